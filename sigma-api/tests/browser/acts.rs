//! What a person does on a page: click, type, choose, by the names that assistive technology gets.
#![allow(dead_code, clippy::allow_attributes, reason = "stories use what they need of it")]

use std::path::Path;
use std::time::Duration;

use fantoccini::actions::{
    Actions, InputSource as _, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction,
};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::{Client, Locator};

use crate::browser::{Browser, Done};
use crate::driver::Extra;

/// What an element is called in answers of WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// What the selector finds and could have that name, by whatever names can be made of. Asking for the names of all that a
/// page has takes longer than all else that a story does.
const COULD_BE: &str = r"
const [selector, name] = arguments;
const plain = (text) => (text ?? '').replace(/[^\p{L}\p{N}]+/gu, '').toLowerCase();
const own = (element) => [element.textContent, element.ariaLabel, element.title, element.placeholder, element.alt, element.value];
const named = (element) => (element.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id));
const all = (element) => [element, ...element.querySelectorAll('[aria-label], [title], [alt]'), ...(element.labels ?? []), ...named(element)];
const could = (element) => plain(all(element).filter(Boolean).flatMap(own).join(' ')).includes(plain(name));
return [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility() && could(element));";
const SHIFT: char = '\u{e008}';
const CONTROL: char = '\u{e009}';

impl Browser {
    /// Clicks the button of this name.
    pub(crate) fn press(&self, name: &str) {
        self.click("button, summary, input[type=submit], [role=button]", name);
    }

    /// Follows the link of this name.
    pub(crate) fn follow(&self, name: &str) {
        self.click("a[href]", name);
    }

    /// Clicks the check box or radio button of this label.
    pub(crate) fn tick(&self, label: &str) {
        self.click("input[type=checkbox], input[type=radio]", label);
    }

    /// Clicks what the selector finds and what has this name for assistive technology.
    pub(crate) fn click(&self, selector: &str, name: &str) {
        self.soon(&format!("{name:?} to click"), async |client: &Client| {
            let Some(element) = named(client, selector, name).await? else { return Ok(None) };
            element.click().await.map(Some)
        });
        self.presses.set(self.presses.get() + 1);
    }

    /// Clicks the only thing that the selector finds and that can be seen.
    pub(crate) fn click_only(&self, selector: &str) {
        self.soon(&format!("{selector} to click"), async |client: &Client| {
            let mut found = Vec::new();
            for element in client.find_all(Locator::Css(selector)).await? {
                if element.is_displayed().await? {
                    found.push(element);
                }
            }
            assert!(found.len() <= 1, "{} of {selector} can be seen", found.len());
            let Some(element) = found.pop() else { return Ok(None) };
            element.click().await.map(Some)
        });
        self.presses.set(self.presses.get() + 1);
    }

    /// Goes to the window that was opened beside this one.
    pub(crate) fn goes_to_the_new_window(&self) {
        self.soon("new window", async |client: &Client| {
            let here = client.window().await?;
            let Some(other) = client.windows().await?.into_iter().find(|window| *window != here) else {
                return Ok(None);
            };
            client.switch_to_window(other).await.map(Some)
        });
    }

    /// Types into the field of this label, in place of what it holds.
    pub(crate) fn fill(&self, label: &str, text: &str) {
        const FIELDS: &str =
            "input:not([type=hidden], [type=checkbox], [type=radio], [type=submit]), textarea";
        self.soon(&format!("field {label:?}"), async |client: &Client| {
            let Some(element) = named(client, FIELDS, label).await? else { return Ok(None) };
            element.clear().await?;
            element.send_keys(text).await.map(Some)
        });
    }

    /// Chooses by what is written on the choice.
    pub(crate) fn choose(&self, label: &str, choice: &str) {
        self.soon(&format!("choice {label:?}"), async |client: &Client| {
            let Some(element) = named(client, "select", label).await? else { return Ok(None) };
            element.select_by_label(choice).await.map(Some)
        });
        self.presses.set(self.presses.get() + 1);
    }

    /// What the field of this label holds.
    pub(crate) fn value(&self, label: &str) -> String {
        self.soon(&format!("field {label:?}"), async |client: &Client| {
            let Some(element) = named(client, "input, textarea, select", label).await? else {
                return Ok(None);
            };
            element.prop("value").await
        })
    }

    /// Clicks as `click` does, while Shift is held.
    pub(crate) fn click_with_shift(&self, selector: &str, name: &str) {
        self.soon(&format!("{name:?} to click"), async |client: &Client| {
            let Some(element) = named(client, selector, name).await? else { return Ok(None) };
            let pause = || KeyAction::Pause { duration: Duration::ZERO };
            let shift = KeyActions::new("keys".into())
                .then(KeyAction::Down { value: SHIFT })
                .then(pause())
                .then(pause())
                .then(pause())
                .then(KeyAction::Up { value: SHIFT });
            let to = PointerAction::MoveToElement { element, duration: None, x: 0.0, y: 0.0 };
            let mouse = MouseActions::new("mouse".into())
                .then(PointerAction::Pause { duration: Duration::ZERO })
                .then(to)
                .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
                .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT })
                .then(PointerAction::Pause { duration: Duration::ZERO });
            client.perform_actions(Actions::from(shift).and(mouse)).await.map(Some)
        });
    }

    /// Presses keys one after the other, wherever the focus is: letters, or `char::from(Key::Tab)` and others.
    pub(crate) fn type_keys(&self, keys: &str) {
        let actions = keys.chars().fold(KeyActions::new("keys".into()), |actions, value| {
            actions.then(KeyAction::Down { value }).then(KeyAction::Up { value })
        });
        self.now(self.client().perform_actions(actions));
    }

    /// Presses a key while Ctrl is held.
    pub(crate) fn type_with_control(&self, value: char) {
        let actions = KeyActions::new("keys".into())
            .then(KeyAction::Down { value: CONTROL })
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value })
            .then(KeyAction::Up { value: CONTROL });
        self.now(self.client().perform_actions(actions));
    }

    /// Clicks twice into the first thing that the selector finds, which marks the word there.
    pub(crate) fn marks(&self, selector: &str) {
        self.soon(&format!("{selector} to mark"), async |client: &Client| {
            let element = client.find(Locator::Css(selector)).await?;
            let to = PointerAction::MoveToElement { element, duration: None, x: 0.0, y: 0.0 };
            let mut mouse = MouseActions::new("mouse".into()).then(to);
            for _ in 0..2 {
                mouse = mouse.then(PointerAction::Down { button: MOUSE_BUTTON_LEFT });
                mouse = mouse.then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
            }
            client.perform_actions(mouse).await.map(Some)
        });
    }

    /// Clicks the first thing that the selector finds, whatever it is.
    pub(crate) fn clicks_at(&self, selector: &str) {
        self.soon(&format!("{selector} to click"), async |client: &Client| {
            client.find(Locator::Css(selector)).await?.click().await.map(Some)
        });
    }

    /// Chooses a file, in the field of this label.
    pub(crate) fn chooses_file(&self, label: &str, path: &Path) {
        self.soon(&format!("file {label:?}"), async |client: &Client| {
            let Some(element) = named(client, "input[type=file]", label).await? else { return Ok(None) };
            element.send_keys(path.to_str().unwrap()).await.map(Some)
        });
    }

    /// Waits until an expression of a script says yes.
    pub(crate) fn until(&self, expression: &str) {
        self.soon(expression, async |client: &Client| {
            let said = client.execute(&format!("return !!({expression})"), Vec::new()).await?;
            Ok((said == true).then_some(()))
        });
    }

    /// Presses Tab until what has this name has the focus.
    pub(crate) fn tabs_to(&self, name: &str) {
        let mut passed = Vec::new();
        while passed.len() < 200 {
            self.type_keys(&Key::Tab);
            let focused = self.focused();
            if focused == name {
                return;
            }
            passed.push(focused);
        }
        panic!("Tab never comes to {name:?}, but to {passed:?}");
    }

    /// The name of what has the focus, as assistive technology gets it.
    pub(crate) fn focused(&self) -> String {
        self.now(async { name_of(self.client(), &self.client().active_element().await?).await })
    }
}

/// What the selector finds, can be seen, and has this name.
async fn named(client: &Client, selector: &str, name: &str) -> Done<Option<Element>> {
    let mut found = Vec::new();
    let could = client.execute(COULD_BE, vec![selector.into(), name.into()]).await?;
    for element in could.as_array().into_iter().flatten().filter_map(|one| one.get(ELEMENT)?.as_str()) {
        let element = Element::from_element_id(client.clone(), element.to_owned().into());
        if name_of(client, &element).await? == name && element.is_displayed().await? {
            found.push(element);
        }
    }
    assert!(found.len() <= 1, "{} of {selector} have the name {name:?}", found.len());
    Ok(found.pop())
}

async fn name_of(client: &Client, element: &Element) -> Done<String> {
    let name = client.issue_cmd(Extra::name_of(element.element_id().as_ref())).await?;
    Ok(name.as_str().unwrap_or_default().to_owned())
}
