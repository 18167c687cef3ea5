//! `make screenshots`: a picture of every page in light, dark and on a telephone.

use std::path::PathBuf;

use serde_json::json;

use crate::browser::{Script, Theme};
use crate::common::Folder;
use crate::driver;
use crate::pages::{PAGES, Places};

#[test]
#[ignore = "make screenshots runs it"]
fn of_every_page() {
    driver::tell("of_every_page", || {
        let folder = Folder::new();
        if let Some(data) = std::env::var_os("SIGMA_SCREENSHOTS_OF") {
            for file in std::fs::read_dir(data).unwrap().map(Result::unwrap) {
                std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
            }
        }
        let hub = folder.start();
        let to = PathBuf::from(std::env::var_os("SIGMA_SCREENSHOTS_TO").expect("SIGMA_SCREENSHOTS_TO"));
        std::fs::create_dir_all(&to).unwrap();
        let places = Places::new(&folder, &hub, Script::On);
        for page in PAGES {
            let Some(browser) = places.visit(page) else { continue };
            browser.devtools("Emulation.setScrollbarsHidden", &json!({"hidden": true}));
            let keep = |kind: &str| {
                std::fs::write(to.join(format!("{}-{kind}.png", page.name)), browser.picture()).unwrap();
            };
            for theme in [Theme::Light, Theme::Dark] {
                browser.likes(theme);
                keep(theme.name());
            }
            browser.likes(Theme::Light);
            browser.becomes_a_phone(390, 844);
            keep("phone");
            browser.resize(1280, 900);
            let complaints = browser.complaints();
            assert!(complaints.is_empty(), "{}: {complaints:#?}", page.name);
        }
    });
}
