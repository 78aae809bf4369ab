//! The life of keys, with a clock that is moved by hand and a source that is told what to give.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use aws_credential_types::Credentials as SdkKeys;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Providing;

use super::*;

/// Gives keys that live an hour, or fails; counts how often it was asked.
#[derive(Debug, Default)]
struct Told {
    now: AtomicU64,
    asked: AtomicUsize,
    fails: std::sync::atomic::AtomicBool,
}

#[derive(Debug, Clone)]
struct Handle(Arc<Told>);

impl ProvideCredentials for Handle {
    fn provide_credentials<'a>(&'a self) -> Providing<'a>
    where
        Self: 'a,
    {
        let told = &self.0;
        let number = told.asked.fetch_add(1, Ordering::SeqCst);
        Providing::ready(if told.fails.load(Ordering::SeqCst) {
            Err(CredentialsError::provider_error("told to fail"))
        } else {
            let end = UNIX_EPOCH + Duration::from_secs(told.now.load(Ordering::SeqCst) + 3600);
            Ok(SdkKeys::new(format!("AKID{number}"), "secret", Some("token".into()), Some(end), "test"))
        })
    }
}

fn store() -> (Arc<Store>, Arc<Told>) {
    let told = Arc::new(Told::default());
    let mut store = Store::new(Source::Default, Arc::new(|_| None), EndpointVariant::default());
    let clock = Arc::clone(&told);
    store.clock = Arc::new(move || UNIX_EPOCH + Duration::from_secs(clock.now.load(Ordering::SeqCst)));
    let handle = Handle(Arc::clone(&told));
    store.make = Box::new(move |_| {
        let handle = handle.clone();
        Box::pin(async move { SharedCredentialsProvider::new(handle) })
    });
    (Arc::new(store), told)
}

/// Waits until no renewal runs.
async fn settled(store: &Store) {
    tokio::task::yield_now().await;
    drop(store.renewal.lock().await);
}

#[tokio::test]
async fn many_callers_ask_once() {
    let (store, told) = store();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.get("r").await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(()));
    }
    assert_eq!(told.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn renewed_before_the_end_and_behind_the_call() {
    let (store, told) = store();
    let first = store.get("r").await.unwrap();
    told.now.store(3200, Ordering::SeqCst);
    assert!(Arc::ptr_eq(&first, &store.get("r").await.unwrap()), "not yet due");
    told.now.store(3301, Ordering::SeqCst);
    assert!(Arc::ptr_eq(&first, &store.get("r").await.unwrap()), "the old keys serve meanwhile");
    settled(&store).await;
    assert!(!Arc::ptr_eq(&first, &store.get("r").await.unwrap()));
    assert_eq!(told.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn old_keys_serve_while_the_source_fails() {
    let (store, told) = store();
    let first = store.get("r").await.unwrap();
    told.fails.store(true, Ordering::SeqCst);
    told.now.store(3301, Ordering::SeqCst);
    for _ in 0..5 {
        assert!(Arc::ptr_eq(&first, &store.get("r").await.unwrap()));
        settled(&store).await;
    }
    assert_eq!(told.asked.load(Ordering::SeqCst), 2, "a source that failed is left alone for a moment");
    told.now.store(3599, Ordering::SeqCst);
    let error = store.get("r").await.map(|_| ()).unwrap_err();
    assert!(error.contains("told to fail"), "{error}");
    told.fails.store(false, Ordering::SeqCst);
    told.now.store(3600, Ordering::SeqCst);
    assert!(store.get("r").await.is_ok(), "and asked again after it");
}

#[tokio::test]
async fn refused_keys_are_dropped_once_they_are_old() {
    let (store, told) = store();
    let first = store.get("r").await.unwrap();
    assert!(!store.refused(&first));
    assert!(Arc::ptr_eq(&first, &store.get("r").await.unwrap()), "young keys stay");
    told.now.store(60, Ordering::SeqCst);
    assert!(store.refused(&first) && store.refused(&first), "whoever used them may ask for others");
    assert!(!Arc::ptr_eq(&first, &store.get("r").await.unwrap()));
}

#[tokio::test]
async fn the_injected_environment_comes_first() {
    let env: Env = Arc::new(|name| match name {
        "AWS_ACCESS_KEY_ID" => Some("AKID".into()),
        "AWS_SECRET_ACCESS_KEY" => Some("s3cr3t".into()),
        "AWS_SESSION_TOKEN" => Some("tok".into()),
        _ => None,
    });
    let store = Arc::new(Store::new(Source::Default, env, EndpointVariant::default()));
    let lease = store.get("r").await.unwrap();
    assert_eq!(lease.keys.session_token(), Some("tok"));
    let shown = format!("{store:?} {lease:?}");
    assert!(!shown.contains("s3cr3t") && !shown.contains("tok"), "{shown}");
}

#[tokio::test]
async fn a_profile_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let write = |token: &str| {
        let text = format!(
            "[prod]\naws_access_key_id = A\naws_secret_access_key = s\naws_session_token = {token}\n"
        );
        std::fs::write(&path, text).unwrap();
    };
    let named = path.display().to_string();
    let env: Env = Arc::new(move |name| (name == "AWS_SHARED_CREDENTIALS_FILE").then(|| named.clone()));
    let mut store = Store::new(Source::Profile("prod".into()), env, EndpointVariant::default());
    let now = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&now);
    store.clock = Arc::new(move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::SeqCst)));
    let store = Arc::new(store);

    write("first");
    assert_eq!(store.get("eu-west-1").await.unwrap().keys.session_token(), Some("first"));
    write("second");
    now.store(899, Ordering::SeqCst);
    assert_eq!(store.get("eu-west-1").await.unwrap().keys.session_token(), Some("first"));
    now.store(900, Ordering::SeqCst);
    assert_eq!(
        store.get("eu-west-1").await.unwrap().keys.session_token(),
        Some("first"),
        "read behind the call"
    );
    settled(&store).await;
    assert_eq!(store.get("eu-west-1").await.unwrap().keys.session_token(), Some("second"));
}
