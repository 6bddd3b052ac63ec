//! Many containers at once: none is lost, none is mixed up with another.

use crate::harness::{Host, block_on, start};

#[test]
fn fifty_at_once() {
    let host = Host::new();
    let configs: Vec<_> = (0..50).map(|code| host.config(&["sh", "-c", &format!("exit {code}")])).collect();
    block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for (expected, config) in configs.into_iter().enumerate() {
            tasks.spawn(async move {
                let (handle, _) = start(&config).await.unwrap();
                (expected, handle.exited().await.unwrap().code)
            });
        }
        for (expected, code) in tasks.join_all().await {
            assert_eq!(usize::try_from(code).unwrap(), expected);
        }
    });
}
