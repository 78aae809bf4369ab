//! What is printed reads back as the same model: every golden folder of every dialect that gives one.

use lambridge_config::{load_text, print};

mod cases;

#[test]
fn every_golden_model_survives_printing() {
    let mut seen = 0;
    for case in cases::all() {
        let Some(model) = cases::read(&case).model else { continue };
        seen += 1;
        let text = print(&model, &mut |_, _, secret| secret.expose().to_owned());
        let again = load_text("printed.yaml", &text, &|_| None);
        let problems = again.diagnostics.render_text();
        let again = again.model.unwrap_or_else(|| panic!("{}:\n{problems}\n{text}", case.display()));
        let (before, after) = (model.without_places(), again.without_places());
        assert!(before == after, "{}:\n{text}\n{before:#?}\n{after:#?}", case.display());
    }
    assert!(seen >= 9, "only {seen} models");
}

#[test]
fn a_secret_is_what_the_caller_says() {
    let text = "lambridge: 1
functions: { f: { credentials: { access_key_id: A, secret_access_key: hunter2, session_token: hunter3 } } }
emulator: { credentials: { access_key_id: B, secret_access_key: hunter4 } }
";
    let model = load_text("test", text, &|_| None).model.unwrap();
    let printed = print(&model, &mut |owner, key, _| format!("${{file:{owner}.{key}}}"));
    for expect in [
        "secret_access_key: \"${file:f.secret_access_key}\"",
        "session_token: \"${file:f.session_token}\"",
        "secret_access_key: \"${file:emulator.secret_access_key}\"",
    ] {
        assert!(printed.contains(expect), "{printed}");
    }
    assert!(!printed.contains("hunter"), "{printed}");
}
