//! Pages: persons invited, given another role and removed in a browser.
#![expect(clippy::string_slice, reason = "ids are ASCII")]

use crate::common::Folder;
use crate::people::{EMAIL, PASSWORD, administrator, invite, signed_in, token_of};
use serde_json::json;

fn id_of(folder: &Folder, email: &str) -> String {
    let hex = folder.sql(&format!("SELECT lower(hex(id)) FROM account WHERE email = '{email}'"));
    let hex = hex.first().unwrap();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[test]
fn somebody_is_invited_by_a_link_that_is_shown_once() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let page = admin.form("/accounts", &[("email", "Bo@example.org"), ("role", "operator")]);
    assert_eq!(page.status, 200, "{page:?}");
    let link = page.text.split_once("id=\"link\">").unwrap().1.split('<').next().unwrap().to_owned();
    let list = admin.get("/accounts");
    assert!(list.text.contains("bo@example.org") && list.text.contains("invited"), "{list:?}");
    assert!(!list.text.contains(&token_of(&link)), "never again");

    let another = admin.form("/accounts", &[("email", "bo@example.org"), ("role", "operator")]);
    let newer = another.text.split_once("id=\"link\">").unwrap().1.split('<').next().unwrap().to_owned();
    let open = |link: &str| {
        hub.post("", "/api/setup", &json!({"token": token_of(link), "password": PASSWORD}).to_string()).status
    };
    assert_eq!((open(&link), open(&newer)), (410, 201), "the second link is the one that counts");
    assert_eq!(signed_in(&hub, "bo@example.org").get("/").status, 200);
    let list = admin.get("/accounts");
    assert!(!list.text.contains("Another link"), "nobody is waited for any more: {list:?}");
}

#[test]
fn what_is_wrong_with_an_invitation_is_said_at_its_field() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    for (email, role, status, at) in [
        ("nobody", "readonly", 400, "id=\"email-wrong\""),
        (EMAIL, "readonly", 409, "id=\"email-wrong\""),
        ("bo@example.org", "agent", 400, "class=\"wrong\""),
    ] {
        let page = admin.form("/accounts", &[("email", email), ("role", role)]);
        assert_eq!(page.status, status, "{page:?}");
        assert!(page.text.contains(at) && page.text.contains(&format!("value=\"{email}\"")), "{page:?}");
    }
    assert_eq!(folder.sql("SELECT email FROM account"), [EMAIL]);
}

#[test]
fn roles_change_but_the_last_administrator_stays() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let me = id_of(&folder, EMAIL);
    for (act, fields) in [("role", &[("role", "readonly")][..]), ("delete", &[])] {
        let page = admin.form(&format!("/accounts/{me}/{act}"), fields);
        assert_eq!(page.status, 409, "{page:?}");
        let row = page.text.split_once(&format!("id=\"a-{me}\"")).unwrap().1.split("</tr>").next().unwrap();
        assert!(row.contains("This is the last administrator"), "{row}");
    }
    invite(&admin, &hub, "bo@example.org", "readonly");
    let bo = id_of(&folder, "bo@example.org");
    let person = signed_in(&hub, "bo@example.org");
    let changed = admin.form(&format!("/accounts/{bo}/role"), &[("role", "operator")]);
    assert_eq!((changed.status, changed.header("location")), (303, Some("/accounts")), "{changed:?}");
    assert!(admin.get("/accounts").text.contains("The role is changed."));
    assert!(!person.is_in(), "another role ends sessions");
    let wrong = admin.form(&format!("/accounts/{bo}/role"), &[("role", "agent")]);
    assert_eq!(wrong.status, 400, "{wrong:?}");
    assert_eq!(admin.form(&format!("/accounts/{bo}/delete"), &[]).status, 303);
    let list = admin.get("/accounts");
    assert!(
        list.text.contains("The account is deleted.") && !list.text.contains("bo@example.org"),
        "{list:?}"
    );
    let gone = admin.form(&format!("/accounts/{bo}/delete"), &[]);
    assert!(gone.status == 404 && gone.text.contains("There is no account"), "{gone:?}");
}
