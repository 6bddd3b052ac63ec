//! `start`, `stop`, `restart`, `kill`, `pause`, `rm`: what is touched, and in which order.

use insta::assert_snapshot;
use rcompose::compose::model::{Condition, Dependency, NetworkMode, Project};
use rcompose::name::SnapshotName;
use rcompose::plan::{Action, Health, Observed, ObservedState, act};

use super::world::{With, add_one_off, container, name, project, running, service};

fn stack() -> Project {
    let restart = Dependency { condition: Condition::ServiceHealthy, restart: true, required: true };
    project([
        ("db", service("postgres:15").checked()),
        ("cache", service("redis:7")),
        ("app", service("app:1").depends("db", restart).needs("cache", Condition::ServiceStarted)),
        ("web", service("nginx:1").needs("app", Condition::ServiceStarted)),
    ])
}

fn plan(observed: &Observed, services: &[&str], action: &Action) -> String {
    let services: Vec<_> = services.iter().map(|service| name(service)).collect();
    let plan = act(Some(&stack()), observed, &services, action).unwrap().to_string();
    // Containers remember what the file says.
    assert_eq!(act(None, observed, &services, action).unwrap().to_string(), plan);
    plan
}

fn stopped() -> Observed {
    let mut observed = running(&stack());
    observed.containers.iter_mut().for_each(|container| container.state = ObservedState::Exited { code: 0 });
    observed
}

const STOP: Action = Action::Stop { timeout: None };
const START: Action = Action::Start { wait: false, wait_timeout: None };
const RESTART: Action = Action::Restart { timeout: None, no_deps: false };

#[test]
fn dependents_stop_first() {
    assert_snapshot!(plan(&running(&stack()), &["db", "web", "app"], &STOP), @"
    #1 stop container shop-web-1 (requested)
    #2 stop container shop-app-1 (requested) after #1
    #3 stop container shop-db-1 (requested) after #2
    ");
    assert_eq!(plan(&stopped(), &[], &STOP), "");
}

#[test]
fn what_run_has_made_is_killed_and_removed_and_nothing_else() {
    let mut observed = running(&stack());
    let runs = ObservedState::Running { health: Health::None };
    add_one_off(&mut observed, "db", "aaa", runs);
    add_one_off(&mut observed, "db", "bbb", ObservedState::Exited { code: 0 });
    assert_snapshot!(plan(&observed, &["db"], &Action::Kill { signal: 9, orphans: false }), @"
    #1 send signal 9 to container shop-db-1 (requested)
    #2 send signal 9 to container shop-db-run-aaa (requested)
    ");
    assert_snapshot!(plan(&observed, &[], &Action::Remove { stop: false, volumes: true }), @"#1 remove container shop-db-run-bbb with its volumes (requested)");
    assert_eq!(plan(&observed, &["cache"], &Action::Remove { stop: false, volumes: true }), "");
    assert_eq!(plan(&observed, &["db"], &STOP), plan(&running(&stack()), &["db"], &STOP));
    assert_eq!(plan(&observed, &[], &START), "");
}

#[test]
fn a_start_brings_what_it_depends_on() {
    assert_snapshot!(plan(&stopped(), &["app"], &START), @"
    #1 start container cache-1 (not running)
    #2 start container db-1 (not running)
    #3 await cache service_started (needed by app) after #1
    #4 await db service_healthy (needed by app) after #2
    #5 start container app-1 (not running) after #3, #4
    ");
    assert_snapshot!(plan(&stopped(), &["app"], &Action::Start { wait: true, wait_timeout: None }), @"
    #1 start container cache-1 (not running)
    #2 start container db-1 (not running)
    #3 await cache service_started (needed by app) after #1
    #4 await db service_healthy (needed by app) after #2
    #5 start container app-1 (not running) after #3, #4
    #6 await app service_started (requested) after #5
    ");
    assert_eq!(plan(&running(&stack()), &[], &START), "");
}

#[test]
fn a_wait_looks_at_what_runs_already() {
    let mut observed = running(&stack());
    container(&mut observed, "shop-db-1").state = ObservedState::Running { health: Health::Starting };
    assert_snapshot!(plan(&observed, &["db"], &Action::Start { wait: true, wait_timeout: None }), @"#1 await db service_healthy (requested)");
}

#[test]
fn nothing_to_start_is_an_error() {
    let mut observed = stopped();
    observed.containers.retain(|container| container.service.as_str() != "db");
    for services in [vec![name("db")], vec![name("web")]] {
        let error = act(Some(&stack()), &observed, &services, &START).unwrap_err();
        assert_eq!(error.to_string(), "service `db` has no container to start");
    }
    assert!(act(Some(&stack()), &Observed::default(), &[], &START).is_err());
}

#[test]
fn a_restart_takes_those_along_that_ask_for_it() {
    assert_snapshot!(plan(&running(&stack()), &["db"], &RESTART), @"
    #1 stop container shop-app-1 (requested)
    #2 stop container shop-db-1 (requested) after #1
    #3 start container db-1 (requested) after #2
    #4 await db service_healthy (needed by app) after #3
    #5 start container app-1 (requested) after #1, #4
    ");
    assert_snapshot!(plan(&running(&stack()), &["db"], &Action::Restart { timeout: None, no_deps: true }), @"
    #1 stop container shop-db-1 (requested)
    #2 start container db-1 (requested) after #1
    ");
    // One that does not run is started; a dependent that does not is left alone.
    assert_snapshot!(plan(&stopped(), &["db"], &RESTART), @"#1 start container db-1 (not running)");
}

#[test]
fn a_restart_takes_those_along_that_are_in_a_namespace_of_it() {
    let mut file = stack();
    let guest = service("guest:1").with(|guest| {
        guest.networks.clear();
        guest.network_mode = Some(NetworkMode::Service(name("cache")));
    });
    file.services.insert(name("guest"), guest);
    let observed = running(&file);
    let plan = act(Some(&file), &observed, &[name("cache")], &Action::Restart { timeout: None, no_deps: true });
    assert_snapshot!(plan.unwrap(), @"
    #1 stop container shop-cache-1 (requested)
    #2 stop container shop-guest-1 (requested)
    #3 start container cache-1 (requested) after #1
    #4 start container guest-1 (requested) after #2
    ");
}

#[test]
fn signals_and_pauses_have_no_order() {
    let observed = running(&stack());
    assert_snapshot!(plan(&observed, &["db", "app"], &Action::Kill { signal: 9, orphans: false }), @"
    #1 send signal 9 to container shop-app-1 (requested)
    #2 send signal 9 to container shop-db-1 (requested)
    ");
    assert_snapshot!(plan(&observed, &["db", "app"], &Action::Pause), @"
    #1 pause container shop-app-1 (requested)
    #2 pause container shop-db-1 (requested)
    ");
    assert_snapshot!(plan(&observed, &["db"], &Action::Unpause), @"#1 unpause container shop-db-1 (requested)");
    assert_eq!(plan(&stopped(), &[], &Action::Pause), "");
}

#[test]
fn orphans_are_left_alone_unless_asked_for() {
    let mut file = stack();
    file.services.retain(|name, _| name.as_str() == "cache");
    let observed = running(&stack());
    let plan = |action| act(Some(&file), &observed, &[], &action).unwrap();
    assert_eq!(plan(STOP).len(), 1);
    assert_eq!(plan(Action::Kill { signal: 9, orphans: false }).len(), 1);
    assert_eq!(plan(Action::Kill { signal: 9, orphans: true }).len(), 4);
}

#[test]
fn what_runs_is_removed_only_once_it_is_stopped() {
    let mut observed = running(&stack());
    container(&mut observed, "shop-cache-1").state = ObservedState::Exited { code: 0 };
    assert_snapshot!(plan(&observed, &[], &Action::Remove { stop: false, volumes: false }), @"#1 remove container shop-cache-1 (requested)");
    assert_snapshot!(plan(&observed, &["db", "cache"], &Action::Remove { stop: true, volumes: true }), @"
    #1 remove container shop-cache-1 with its volumes (requested)
    #2 stop container shop-db-1 (requested)
    #3 remove container shop-db-1 with its volumes (requested) after #2
    ");
}

#[test]
fn who_uses_a_volume_stops_before_it_is_restored_and_starts_after_it() {
    let restore = |users: &[&str]| Action::Restore {
        snapshot: SnapshotName::new("seed").unwrap(),
        volumes: vec!["shop_data".to_owned(), "shop_more".to_owned()],
        users: users.iter().map(|user| name(user)).collect(),
    };
    // The app asks to be restarted with the database; the cache runs on, and the web server too.
    assert_snapshot!(plan(&running(&stack()), &[], &restore(&["db"])), @"
    #1 stop container shop-app-1 (requested)
    #2 stop container shop-db-1 (requested) after #1
    #3 restore shop_data, shop_more from snapshot seed (requested) after #1, #2
    #4 start container db-1 (requested) after #3
    #5 await db service_healthy (needed by app) after #4
    #6 start container app-1 (requested) after #3, #5
    #7 await app service_started (requested) after #6
    ");
    assert_snapshot!(plan(&running(&stack()), &[], &restore(&[])), @"#1 restore shop_data, shop_more from snapshot seed (requested)");
}
