//! Pages: keys made, changed, rotated and revoked in a browser.

use crate::common::Folder;
use crate::common::machine::Machine;
use crate::pages_add::{id_in, key_in};
use crate::people::administrator;

#[test]
fn a_key_for_a_program_is_made_and_shown_once() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    for role in ["readonly", "operator", "admin"] {
        let page = admin.form("/keys", &[("name", role), ("role", role), ("expires_at", "30")]);
        assert_eq!(page.status, 200, "{page:?}");
        let key = key_in(&page);
        let mine = hub.get(&key, "/api/account");
        assert!(mine.text.contains(&format!("\"{role}\"")), "{mine:?}");
        let list = admin.get("/keys");
        assert!(list.text.contains(key.split_at(12).0) && list.text.contains("in 30 days"), "{list:?}");
        assert!(!list.text.contains(&key), "never again");
    }
    for (field, value) in [("name", ""), ("role", "king"), ("expires_at", "x")] {
        let mut fields = vec![("name", "n"), ("role", "readonly"), ("expires_at", "7")];
        fields.push((field, value));
        let page = admin.form("/keys", &fields);
        assert!(page.status == 400 && page.text.contains("class=\"wrong\""), "{field}: {page:?}");
        assert!(page.text.contains("<details class=\"card\" open>"), "the form is in sight");
    }
    assert_eq!(folder.sql("SELECT name FROM api_key").len(), 3);
}

#[test]
fn terms_are_changed_and_what_is_wrong_is_said() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let id = id_in(&admin.form("/add", &[("name", "batch"), ("expires_at", "7")]), "href=\"/add/");
    let path = format!("/keys/{id}");
    let before = folder.sql("SELECT CAST(expires_at AS TEXT) FROM api_key");
    let fields = [("name", "batch two"), ("expires_at", "keep"), ("max_machines", "9"), ("tags", "a,b")];
    let changed = admin.form(&path, &fields);
    assert_eq!((changed.status, changed.header("location")), (303, Some(&*path)), "{changed:?}");
    let page = admin.get(&path);
    assert!(page.text.contains("The key is changed.") && page.text.contains("value=\"a, b\""), "{page:?}");
    assert_eq!(folder.sql("SELECT name || max_machines || tags FROM api_key"), ["batch two9[\"a\",\"b\"]"]);
    assert_eq!(folder.sql("SELECT CAST(expires_at AS TEXT) FROM api_key"), before, "what is kept is kept");
    admin.form(&path, &[("name", "batch two"), ("expires_at", "never")]);
    assert_eq!(folder.sql("SELECT COALESCE(expires_at, 'none') FROM api_key"), ["none"]);
    let wrong = admin.form(&path, &[("name", "batch"), ("expires_at", "keep"), ("max_machines", "-1")]);
    assert!(wrong.status == 400 && wrong.text.contains("max_machines-wrong"), "{wrong:?}");
    assert!(wrong.text.contains("value=\"-1\""), "what was typed stays");
    let none = admin.get("/keys/01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a");
    assert_eq!(none.status, 404, "{none:?}");
}

#[test]
fn a_key_is_rotated_and_revoked() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let made = admin.form("/add", &[("name", "batch"), ("expires_at", "never")]);
    let (old, id) = (key_in(&made), id_in(&made, "href=\"/add/"));
    let web = Machine::new("web", 1, "b1", "203.0.113.1");
    web.live(&hub, &old);

    let rotate = format!("/keys/{id}/rotate");
    let wrong = admin.form(&rotate, &[("overlap_hours", "a day")]);
    assert!(wrong.status == 400 && wrong.text.contains("overlap_hours-wrong"), "{wrong:?}");
    let rotated = admin.form(&rotate, &[("overlap_hours", "2")]);
    assert_eq!(rotated.status, 200, "{rotated:?}");
    let new = key_in(&rotated);
    assert!(new != old && rotated.text.contains("/etc/sigma/key"), "{rotated:?}");
    assert_eq!((web.beat(&hub, &old).status, web.beat(&hub, &new).status), (200, 200), "both are taken");
    let page = admin.get(&format!("/keys/{id}"));
    assert!(page.text.contains("rotating") && !page.text.contains(&new), "{page:?}");
    let again = admin.form(&rotate, &[("overlap_hours", "2")]);
    assert_eq!(again.status, 409, "the secret before is still taken: {again:?}");
    assert!(page.text.contains("1 machine reports with it"), "{page:?}");

    let revoked = admin.form(&format!("/keys/{id}/revoke"), &[]);
    assert_eq!(revoked.status, 303, "{revoked:?}");
    let page = admin.get(&format!("/keys/{id}"));
    assert!(page.text.contains("The key is revoked.") && !page.text.contains("Rotate"), "{page:?}");
    assert_eq!(web.beat(&hub, &new).status, 401);
    assert!(admin.get(&format!("/add/{id}")).text.contains("This key is revoked"));
}
