// What makes the pages better where scripts run. Everything works without.
"use strict";
