//! What stands in routes for what is there: routes that come later are walked as well.

use serde_json::Value;

use crate::access::Route;
use crate::browser::Browser;

/// Paths of files and of programs; all other routes are pages.
const NO_PAGES: [&str; 4] = ["/api/", "/assets/", "/healthz", "/metrics"];

/// Ids, by the part of the path that stands before them.
#[derive(Default)]
pub(crate) struct Places(Vec<(&'static str, Vec<String>)>);

impl Places {
    /// What the hub has, as its owner sees it.
    ///
    /// # Errors
    /// When it has nothing of one kind.
    pub(crate) fn of(owner: &mut Browser) -> Result<Self, String> {
        let mut places = Self::default();
        for (before, list) in [
            ("vps", "/api/vps?per_page=100&include_deleted=true"),
            ("providers", "/api/providers?per_page=100"),
            ("keys", "/api/keys"),
            // Adding machines is done with a key.
            ("add", "/api/keys"),
            ("accounts", "/api/accounts"),
            ("sessions", "/api/sessions"),
        ] {
            let answer = owner.get(list)?.json();
            let entries = answer.get("data").unwrap_or(&answer).as_array().cloned().unwrap_or_default();
            let id = |entry: &Value| entry.get("id").and_then(Value::as_str).map(str::to_owned);
            let ids: Vec<String> = entries.iter().filter_map(id).collect();
            if ids.is_empty() {
                return Err(format!("{list} has nothing"));
            }
            places.0.push((before, ids));
        }
        // No bulk change has it, and none is to be taken back.
        let none = vec!["01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a".to_owned()];
        places.0.push(("bulk", none.clone()));
        places.0.push(("undo", none));
        Ok(places)
    }

    /// All paths that a route has here, each parameter filled with each id there is.
    ///
    /// # Errors
    /// When nobody knows what stands in its place.
    pub(crate) fn fill(&self, route: &Route) -> Result<Vec<String>, String> {
        let mut paths = vec![String::new()];
        let mut before = "";
        for segment in route.path.split('/').skip(1) {
            let fixed = [segment.to_owned()];
            let choices = if segment.starts_with('{') {
                let known = self.0.iter().find(|(name, _)| *name == before).map(|(_, ids)| ids.as_slice());
                known.ok_or_else(|| {
                    format!(
                        "nobody knows what stands for {segment} in {}: say so in bench/src/bin/faults/places.rs",
                        route.path
                    )
                })?
            } else {
                &fixed
            };
            let longer =
                |path: &String| choices.iter().map(move |choice| format!("{path}/{choice}")).collect();
            paths = paths.iter().flat_map(|path| -> Vec<String> { longer(path) }).collect();
            before = segment;
        }
        Ok(paths)
    }
}

/// Whether persons look at it.
pub(crate) fn is_page(route: &Route) -> bool {
    route.method == "GET" && !NO_PAGES.iter().any(|start| route.path.starts_with(start))
}
