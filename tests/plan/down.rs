//! `down`: what goes, and in which order.

use insta::assert_snapshot;
use rcompose::compose::model::{Condition, Dependency, Mount, Project};
use rcompose::plan::{DownOptions, Health, Observed, ObservedState, teardown};

use super::world::{With, add_one_off, container, name, names, project, running, service};

fn stack() -> Project {
    let data = Mount::volume(Some("data".parse().unwrap()), "/data");
    project([
        ("db", service("postgres:15").with(|db| db.volumes.push(data))),
        ("cache", service("redis:7")),
        ("app", service("app:1").needs("db", Condition::ServiceStarted).needs("cache", Condition::ServiceStarted)),
        ("web", service("nginx:1").needs("app", Condition::ServiceStarted)),
    ])
}

#[test]
fn dependents_go_first() {
    assert_snapshot!(teardown(Some(&stack()), &running(&stack()), &DownOptions::default()), @r"
    #1 stop container shop-web-1 (down)
    #2 stop container shop-app-1 (down) after #1
    #3 remove container shop-app-1 (down) after #2
    #4 stop container shop-cache-1 (down) after #2
    #5 remove container shop-cache-1 (down) after #4
    #6 stop container shop-db-1 (down) after #2
    #7 remove container shop-db-1 (down) after #6
    #8 remove container shop-web-1 (down) after #1
    #9 remove network default (down) after #3, #5, #7, #8
    ");
}

#[test]
fn labels_are_enough() {
    let observed = running(&stack());
    let with_file = teardown(Some(&stack()), &observed, &DownOptions::default());
    assert_eq!(teardown(None, &observed, &DownOptions::default()).to_string(), with_file.to_string());
}

#[test]
fn what_does_not_run_is_only_removed() {
    let mut observed = running(&stack());
    container(&mut observed, "shop-app-1").state = ObservedState::Exited { code: 1 };
    container(&mut observed, "shop-cache-1").state = ObservedState::Created;
    // `web` still stops before `db`: they depend on each other by way of `app`.
    assert_snapshot!(teardown(None, &observed, &DownOptions { volumes: true, ..DownOptions::default() }), @r"
    #1 remove container shop-app-1 with its volumes (down)
    #2 remove container shop-cache-1 with its volumes (down)
    #3 stop container shop-web-1 (down)
    #4 stop container shop-db-1 (down) after #3
    #5 remove container shop-db-1 with its volumes (down) after #4
    #6 remove container shop-web-1 with its volumes (down) after #3
    #7 remove network default (down) after #1, #2, #5, #6
    #8 remove volume data (requested) after #5
    ");
}

#[test]
fn what_run_has_made_goes_when_it_has_ended() {
    let mut observed = running(&stack());
    observed.containers.retain(|container| ["db", "app"].contains(&container.service.as_str()));
    let runs = ObservedState::Running { health: Health::None };
    add_one_off(&mut observed, "db", "aaa", runs);
    add_one_off(&mut observed, "app", "bbb", ObservedState::Exited { code: 1 });
    add_one_off(&mut observed, "app", "ccc", ObservedState::Created);
    let app = DownOptions { services: vec![name("app")], ..DownOptions::default() };
    assert_snapshot!(teardown(Some(&stack()), &observed, &app), @r"
    #1 remove container shop-app-run-bbb (down)
    #2 remove container shop-app-run-ccc (down)
    #3 stop container shop-app-1 (down)
    #4 remove container shop-app-1 (down) after #3
    ");
    // The network stays with the one that still runs.
    assert_snapshot!(teardown(Some(&stack()), &observed, &DownOptions::default()), @"
    #1 remove container shop-app-run-bbb (down)
    #2 remove container shop-app-run-ccc (down)
    #3 stop container shop-app-1 (down)
    #4 remove container shop-app-1 (down) after #3
    #5 stop container shop-db-1 (down) after #3
    #6 remove container shop-db-1 (down) after #5
    ");
    let all = DownOptions { remove_orphans: true, ..DownOptions::default() };
    assert_snapshot!(teardown(None, &observed, &all), @"
    #1 remove container shop-app-run-bbb (down)
    #2 remove container shop-app-run-ccc (down)
    #3 stop container shop-app-1 (down)
    #4 remove container shop-app-1 (down) after #3
    #5 stop container shop-db-run-aaa (down) after #3
    #6 remove container shop-db-run-aaa (down) after #5
    #7 stop container shop-db-1 (down) after #3
    #8 remove container shop-db-1 (down) after #7
    #9 remove network default (down) after #1, #2, #4, #6, #8
    ");
}

#[test]
fn nothing_left_is_an_empty_plan() {
    assert!(teardown(Some(&stack()), &Observed::default(), &DownOptions::default()).is_empty());
}

#[test]
fn a_part_leaves_what_others_use() {
    let options = DownOptions { services: vec![name("web")], volumes: true, ..DownOptions::default() };
    assert_snapshot!(teardown(Some(&stack()), &running(&stack()), &options), @r"
    #1 stop container shop-web-1 (down)
    #2 remove container shop-web-1 with its volumes (down) after #1
    ");
}

#[test]
fn orphans_stay_unless_asked_for() {
    let observed = running(&stack());
    let mut file = stack();
    file.services.retain(|key, _| key.as_str() == "cache");
    file.volumes.clear();
    let plan = teardown(Some(&file), &observed, &DownOptions::default());
    assert_snapshot!(plan, @r"
    #1 stop container shop-cache-1 (down)
    #2 remove container shop-cache-1 (down) after #1
    ");
    assert_eq!(names(&plan), ["shop-app-1", "shop-db-1", "shop-web-1"]);
    // The volume `data` is not in the file any more: data is not removed on a guess.
    let options = DownOptions { remove_orphans: true, volumes: true, ..DownOptions::default() };
    assert_snapshot!(teardown(Some(&file), &observed, &options), @r"
    #1 stop container shop-web-1 (orphan)
    #2 stop container shop-app-1 (orphan) after #1
    #3 remove container shop-app-1 with its volumes (orphan) after #2
    #4 stop container shop-cache-1 (down) after #2
    #5 remove container shop-cache-1 with its volumes (down) after #4
    #6 stop container shop-db-1 (orphan) after #2
    #7 remove container shop-db-1 with its volumes (orphan) after #6
    #8 remove container shop-web-1 with its volumes (orphan) after #1
    #9 remove network default (down) after #3, #5, #7, #8
    ");
}

#[test]
fn containers_that_remember_a_circle() {
    let mut observed = running(&stack());
    let dependency = Dependency { condition: Condition::ServiceStarted, restart: false, required: true };
    container(&mut observed, "shop-db-1").depends_on.insert(name("web"), dependency);
    assert_snapshot!(teardown(None, &observed, &DownOptions::default()), @r"
    #1 stop container shop-app-1 (down)
    #2 remove container shop-app-1 (down) after #1
    #3 stop container shop-cache-1 (down) after #1
    #4 remove container shop-cache-1 (down) after #3
    #5 stop container shop-db-1 (down)
    #6 remove container shop-db-1 (down) after #5
    #7 stop container shop-web-1 (down)
    #8 remove container shop-web-1 (down) after #7
    #9 remove network default (down) after #2, #4, #6, #8
    ");
}
