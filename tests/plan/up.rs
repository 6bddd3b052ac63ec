//! `up`: what is planned for what exists.

use insta::assert_snapshot;
use rcompose::compose::model::{
    Build, Condition, Dependency, Deploy, Mount, NetworkLimits, Port, Project, PullPolicy, Rates, Service, UpdateConfig,
};
use rcompose::name::{ContainerId, ImageReference};
use rcompose::plan::{
    Building, Definition, Health, Observed, ObservedState, Operation, Recreate, UpOptions, reconcile,
};

use super::world::{With, add_one_off, container, name, names, project, renew, running, service, up};

/// A stack like those people have: a database with a volume, a migration, an app behind a proxy.
fn shop() -> Project {
    let db = service("postgres:15").checked().with(|db| {
        db.volumes.push(Mount::volume(Some("data".parse().unwrap()), "/var/lib/postgresql/data"));
    });
    let migrate = service("app:1").needs("db", Condition::ServiceHealthy);
    let app = service("app:1")
        .needs("db", Condition::ServiceHealthy)
        .needs("migrate", Condition::ServiceCompletedSuccessfully);
    let web = service("nginx:1").needs("app", Condition::ServiceStarted);
    project([("db", db), ("migrate", migrate), ("app", app), ("web", web)])
}

fn plan(project: &Project, observed: &Observed, options: &UpOptions) -> String {
    reconcile(project, observed, options).map_or_else(|error| format!("error: {error}"), |plan| plan.to_string())
}

#[test]
fn the_first_up_makes_everything() {
    assert_snapshot!(up(&shop(), &Observed::default()), @r"
    #1 pull image app:1 (missing)
    #2 pull image postgres:15 (missing)
    #3 pull image nginx:1 (missing)
    #4 create network default (missing)
    #5 create volume data (missing)
    #6 create container app-1 (missing) after #1, #4
    #7 create container db-1 (missing) after #2, #4, #5
    #8 create container migrate-1 (missing) after #1, #4
    #9 create container web-1 (missing) after #3, #4
    #10 start container db-1 (missing) after #7
    #11 await db service_healthy (needed by migrate) after #10
    #12 start container migrate-1 (missing) after #8, #11
    #13 await migrate service_completed_successfully (needed by app) after #12
    #14 start container app-1 (missing) after #6, #11, #13
    #15 await app service_started (needed by web) after #14
    #16 start container web-1 (missing) after #9, #15
    ");
}

#[test]
fn ports_of_the_machine_are_enough_for_all_containers_of_a_service() {
    use rcompose::compose::model::NetworkMode;
    let published = |ports, scale| {
        service("nginx:1").with(|web| {
            web.ports.push(Port { published: ports, ..Port::new(80) });
            web.scale = Some(scale);
        })
    };
    let refused = |web| plan(&project([("web", web)]), &Observed::default(), &UpOptions::default());
    let of =
        |ports: &str, scale| format!("error: service `web` cannot have {scale} containers on {ports} of this machine");
    assert_eq!(refused(published(Some((8080, 8080)), 2)), of("the one port 8080", 2));
    assert_eq!(refused(published(Some((8080, 8081)), 3)), of("the ports 8080-8081", 3));
    let on_host = published(Some((8080, 8080)), 2).with(|web| {
        web.networks.clear();
        web.network_mode = Some(NetworkMode::Host);
    });
    for web in [published(Some((8080, 8081)), 2), published(None, 9), published(Some((8080, 8080)), 1), on_host] {
        assert!(!refused(web).starts_with("error"));
    }
}

#[test]
fn dot() {
    let project = project([("web", service("nginx:1"))]);
    assert_snapshot!(up(&project, &Observed::default()).to_dot(), @r#"
    digraph {
        0 [ label="pull image nginx:1 (missing)"]
        1 [ label="create network default (missing)"]
        2 [ label="create container web-1 (missing)"]
        3 [ label="start container web-1 (missing)"]
        0 -> 2 [ ]
        1 -> 2 [ ]
        2 -> 3 [ ]
    }
    "#);
}

#[test]
fn the_second_up_does_nothing() {
    let project = project([
        ("db", service("postgres:15").checked()),
        ("web", service("nginx:1").needs("db", Condition::ServiceHealthy)),
    ]);
    let observed = running(&project);
    assert!(up(&project, &observed).is_empty());
    let options = UpOptions { wait: true, ..UpOptions::default() };
    assert!(reconcile(&project, &observed, &options).unwrap().is_empty(), "everything is healthy already");
}

#[test]
fn a_one_shot_that_has_succeeded_runs_again_only_when_asked_for() {
    let mut observed = running(&shop());
    container(&mut observed, "shop-migrate-1").state = ObservedState::Exited { code: 0 };
    assert!(up(&shop(), &observed).is_empty());
    container(&mut observed, "shop-app-1").state = ObservedState::Exited { code: 1 };
    assert_snapshot!(up(&shop(), &observed), @"#1 start container app-1 (not running)");
    let options = UpOptions { services: vec!["migrate".parse().unwrap()], ..UpOptions::default() };
    assert_snapshot!(reconcile(&shop(), &observed, &options).unwrap(), @"#1 start container migrate-1 (not running)");
    container(&mut observed, "shop-migrate-1").state = ObservedState::Exited { code: 1 };
    assert_snapshot!(up(&shop(), &observed), @r"
    #1 start container migrate-1 (not running)
    #2 await migrate service_completed_successfully (needed by app) after #1
    #3 start container app-1 (not running) after #2
    ");
}

#[test]
fn run_makes_ready_what_a_container_beside_the_replicas_needs() {
    let one_off = |service: &str| UpOptions {
        services: vec![service.parse().unwrap()],
        one_off: Some(service.parse().unwrap()),
        ..UpOptions::default()
    };
    assert_snapshot!(reconcile(&shop(), &Observed::default(), &one_off("app")).unwrap(), @"
    #1 pull image app:1 (missing)
    #2 pull image postgres:15 (missing)
    #3 create network default (missing)
    #4 create volume data (missing)
    #5 create container db-1 (missing) after #2, #3, #4
    #6 create container migrate-1 (missing) after #1, #3
    #7 start container db-1 (missing) after #5
    #8 await db service_healthy (needed by migrate) after #7
    #9 start container migrate-1 (missing) after #6, #8
    #10 await migrate service_completed_successfully (needed by app) after #9
    ");
    let alone = UpOptions { no_deps: true, ..one_off("app") };
    assert_snapshot!(reconcile(&shop(), &Observed::default(), &alone).unwrap(), @"
    #1 pull image app:1 (missing)
    #2 create network default (missing)
    ");
    let mut observed = running(&shop());
    container(&mut observed, "shop-migrate-1").state = ObservedState::Exited { code: 0 };
    let mut changed = shop();
    changed.services.get_mut("app").unwrap().environment.insert("DEBUG".to_owned(), "1".to_owned());
    changed.services.get_mut("app").unwrap().scale = Some(3);
    assert_snapshot!(reconcile(&changed, &observed, &one_off("app")).unwrap(), @"");
}

#[test]
fn what_run_has_made_is_no_replica() {
    let mut observed = running(&shop());
    let runs = ObservedState::Running { health: Health::None };
    add_one_off(&mut observed, "app", "aaa", runs);
    add_one_off(&mut observed, "app", "bbb", ObservedState::Exited { code: 0 });
    let plan = up(&shop(), &observed);
    assert!(plan.is_empty() && plan.orphans().is_empty(), "{plan}");
    let options = UpOptions { remove_orphans: true, ..UpOptions::default() };
    assert_snapshot!(reconcile(&shop(), &observed, &options).unwrap(), @"#1 remove container shop-app-run-bbb (orphan)");
}

#[test]
fn what_changed_is_recreated_and_the_rest_left_alone() {
    let mut observed = running(&shop());
    let mut changed = shop();
    changed.services.get_mut("app").unwrap().environment.insert("DEBUG".to_owned(), "1".to_owned());
    assert_snapshot!(up(&changed, &observed), @r"
    #1 stop container shop-app-1 (configuration changed: environment.DEBUG)
    #2 remove container shop-app-1 (configuration changed: environment.DEBUG) after #1
    #3 create container app-1 (configuration changed: environment.DEBUG) after #2
    #4 await migrate service_completed_successfully (needed by app)
    #5 start container app-1 (configuration changed: environment.DEBUG) after #3, #4
    ");
    renew(&mut observed, "nginx:1");
    assert_snapshot!(up(&shop(), &observed), @r"
    #1 stop container shop-web-1 (image changed)
    #2 remove container shop-web-1 (image changed) after #1
    #3 create container web-1 (image changed) after #2
    #4 start container web-1 (image changed) after #3
    ");
}

#[test]
fn what_is_made_anew_is_told_of_with_the_reason() {
    let mut changed = shop();
    let web = changed.services.get_mut("web").unwrap();
    web.image = ImageReference::parse("nginx:2").unwrap();
    web.scale = Some(2);
    for number in 0..9 {
        changed.services.get_mut("app").unwrap().environment.insert(format!("V{number}"), "1".to_owned());
    }
    let mut observed = running(&shop());
    renew(&mut observed, "postgres:15");
    observed.images.insert(ImageReference::parse("nginx:2").unwrap(), "id of nginx:2".to_owned());
    let told = |project: &Project, observed: &Observed| {
        reconcile(project, observed, &UpOptions::default()).unwrap().recreations().join("\n")
    };
    assert_snapshot!(told(&changed, &observed), @r"
    recreate app: environment.V0, environment.V1, environment.V2, environment.V3, environment.V4, environment.V5, environment.V6, environment.V7 and 1 more
    recreate db: image changed
    recreate web: image
    ");
    changed.networks.get_mut("default").unwrap().internal = true;
    changed.services.retain(|key, _| key.as_str() == "web");
    observed.containers.retain(|container| container.service.as_str() == "web");
    assert_snapshot!(told(&changed, &observed), @r"
    recreate network default: internal
    recreate web: image
    ");
    // What is new is none of it, nor what the user asks for; of what an earlier version made it is not known.
    assert_eq!(told(&shop(), &Observed::default()), "");
    let force = UpOptions { recreate: Recreate::Force, ..UpOptions::default() };
    assert_eq!(reconcile(&shop(), &running(&shop()), &force).unwrap().recreations(), [""; 0]);
    let mut earlier = running(&shop());
    container(&mut earlier, "shop-web-1").definition = Definition { hash: "old".to_owned(), ..Definition::default() };
    assert_snapshot!(told(&shop(), &earlier), @"recreate web: configuration changed");
}

#[test]
fn names_with_the_other_separator_stay() {
    let compatible = Project { compatibility: true, ..shop() };
    let observed = running(&compatible);
    assert!(observed.containers.iter().any(|container| container.name.as_str() == "shop_web_1"));
    assert!(up(&shop(), &observed).is_empty());
    assert!(up(&compatible, &running(&shop())).is_empty());
}

#[test]
fn a_changed_volume_stays_unless_it_is_let_go() {
    let mut changed = shop();
    let data = changed.volumes.get_mut("data").unwrap();
    data.labels.insert("tier".to_owned(), "back".to_owned());
    let mut observed = running(&shop());
    let kept = up(&changed, &observed);
    assert!(kept.is_empty(), "{kept}");
    assert_eq!(kept.changed_volumes(), [(&"data".parse().unwrap(), "labels.tier".to_owned())]);

    let options = UpOptions { recreate_volumes: ["data".parse().unwrap()].into(), ..UpOptions::default() };
    assert_snapshot!(plan(&changed, &observed, &options), @"
    #1 stop container shop-db-1 (volume data recreated)
    #2 remove container shop-db-1 (volume data recreated) after #1
    #3 remove volume data (configuration changed: labels.tier) after #2
    #4 create volume data (configuration changed: labels.tier) after #3
    #5 create container db-1 (volume data recreated) after #2, #4
    #6 start container db-1 (volume data recreated) after #5
    ");
    let lost = reconcile(&changed, &observed, &options).unwrap();
    assert_eq!(lost.recreations(), ["recreate volume data: labels.tier", "recreate db: volume data recreated"]);
    assert!(lost.changed_volumes().is_empty());
    // Who does not need it does not lose it.
    let only = UpOptions { services: vec![name("web")], no_deps: true, ..options.clone() };
    assert_snapshot!(plan(&changed, &observed, &only), @"");
    // Whoever has it mounted must let go of it.
    let mut other = observed.containers.iter().find(|one| one.service == name("db")).unwrap().clone();
    (other.id, other.service) = (ContainerId::new("f".repeat(64)).unwrap(), name("gone"));
    other.name = "shop-gone-1".parse().unwrap();
    observed.containers.push(other);
    assert_snapshot!(plan(&changed, &observed, &options), @"error: volume `data` is to be made anew, but container `shop-gone-1`, which stays, has it mounted");
    let never = UpOptions { recreate: Recreate::Never, ..options };
    assert_snapshot!(plan(&changed, &observed, &never), @"");

    // One of another name is another volume; of what an earlier version made nothing is known.
    let mut renamed = shop();
    renamed.volumes.get_mut("data").unwrap().name = "elsewhere".to_owned();
    observed.containers.pop();
    assert_snapshot!(up(&renamed, &observed), @"
    #1 stop container shop-db-1 (configuration changed: volumes.data.name)
    #2 remove container shop-db-1 (configuration changed: volumes.data.name) after #1
    #3 create volume data (missing)
    #4 create container db-1 (configuration changed: volumes.data.name) after #2, #3
    #5 start container db-1 (configuration changed: volumes.data.name) after #4
    ");
    observed.volumes.values_mut().for_each(|volume| volume.definition = None);
    assert!(up(&changed, &observed).changed_volumes().is_empty());
}

#[test]
fn recreate_strategies() {
    let project =
        project([("db", service("postgres:15")), ("web", service("nginx:1").needs("db", Condition::ServiceStarted))]);
    let mut observed = running(&project);
    let web = vec![name("web")];
    let force = UpOptions { recreate: Recreate::Force, services: web, renew_volumes: true, ..UpOptions::default() };
    assert_snapshot!(plan(&project, &observed, &force), @r"
    #1 stop container shop-web-1 (requested)
    #2 remove container shop-web-1 with its volumes (requested) after #1
    #3 create container web-1 (requested) after #2
    #4 start container web-1 (requested) after #3
    ");
    container(&mut observed, "shop-db-1").definition.hash = "old".to_owned();
    container(&mut observed, "shop-db-1").state = ObservedState::Created;
    let never = UpOptions { recreate: Recreate::Never, ..UpOptions::default() };
    assert_snapshot!(plan(&project, &observed, &never), @"#1 start container db-1 (not running)");
}

#[test]
fn a_dependent_with_restart_restarts() {
    let dependency = Dependency { condition: Condition::ServiceStarted, restart: true, required: true };
    let depends = |on: &str| service("nginx:1").depends(on, dependency);
    let services = [("db", service("postgres:15")), ("app", depends("db")), ("web", depends("app"))];
    let project = project(services);
    let mut observed = running(&project);
    renew(&mut observed, "postgres:15");
    assert_snapshot!(up(&project, &observed), @r"
    #1 stop container shop-web-1 (app recreated)
    #2 stop container shop-app-1 (db recreated) after #1
    #3 stop container shop-db-1 (image changed) after #2
    #4 remove container shop-db-1 (image changed) after #3
    #5 create container db-1 (image changed) after #4
    #6 start container db-1 (image changed) after #5
    #7 await db service_started (needed by app) after #6
    #8 start container app-1 (db recreated) after #2, #7
    #9 await app service_started (needed by web) after #8
    #10 start container web-1 (app recreated) after #1, #9
    ");
    // Those that restart need not be named, unless `--no-deps` says that it is about `db` alone.
    let only = UpOptions { services: vec![name("db")], no_deps: true, ..UpOptions::default() };
    assert_snapshot!(plan(&project, &observed, &only), @r"
    #1 stop container shop-db-1 (image changed)
    #2 remove container shop-db-1 (image changed) after #1
    #3 create container db-1 (image changed) after #2
    #4 start container db-1 (image changed) after #3
    ");
}

#[test]
fn named_services_bring_their_dependencies() {
    let options = UpOptions { services: vec![name("migrate")], ..UpOptions::default() };
    assert_snapshot!(plan(&shop(), &Observed::default(), &options), @r"
    #1 pull image postgres:15 (missing)
    #2 pull image app:1 (missing)
    #3 create network default (missing)
    #4 create volume data (missing)
    #5 create container db-1 (missing) after #1, #3, #4
    #6 create container migrate-1 (missing) after #2, #3
    #7 start container db-1 (missing) after #5
    #8 await db service_healthy (needed by migrate) after #7
    #9 start container migrate-1 (missing) after #6, #8
    ");
    let alone = UpOptions { no_deps: true, ..options };
    assert_snapshot!(plan(&shop(), &Observed::default(), &alone), @r"
    #1 pull image app:1 (missing)
    #2 create network default (missing)
    #3 create container migrate-1 (missing) after #1, #2
    #4 start container migrate-1 (missing) after #3
    ");
    let unknown = UpOptions { services: vec![name("wbe")], ..UpOptions::default() };
    assert_snapshot!(plan(&shop(), &Observed::default(), &unknown), @"error: no such service: wbe");
}

#[test]
fn scale() {
    let scaled = |scale| project([("web", service("nginx:1").with(|web| web.scale = Some(scale)))]);
    let mut observed = running(&scaled(3));
    assert_snapshot!(up(&scaled(4), &observed), @r"
    #1 create container web-4 (missing)
    #2 start container web-4 (missing) after #1
    ");
    assert_snapshot!(up(&scaled(2), &observed), @r"
    #1 stop container shop-web-3 (scaled down)
    #2 remove container shop-web-3 (scaled down) after #1
    ");
    // Those that differ go first, whatever their number.
    container(&mut observed, "shop-web-1").definition.hash = "old".to_owned();
    assert_snapshot!(up(&scaled(2), &observed), @r"
    #1 stop container shop-web-1 (scaled down)
    #2 remove container shop-web-1 (scaled down) after #1
    ");
    observed.containers.retain(|container| container.number == 3);
    assert_snapshot!(up(&scaled(2), &observed), @r"
    #1 create container web-4 (missing)
    #2 start container web-4 (missing) after #1
    ");
    // Nobody who waits for the others may find one that has ended and is about to go.
    let waiting = |scale| {
        let db = service("postgres:15").checked().with(|db| db.scale = Some(scale));
        project([("app", service("app:1").needs("db", Condition::ServiceHealthy)), ("db", db)])
    };
    let mut db = running(&waiting(2));
    container(&mut db, "shop-app-1").state = ObservedState::Exited { code: 0 };
    container(&mut db, "shop-db-1").state = ObservedState::Exited { code: 1 };
    container(&mut db, "shop-db-2").state = ObservedState::Exited { code: 1 };
    assert_snapshot!(up(&waiting(1), &db), @r"
    #1 remove container shop-db-2 (scaled down)
    #2 start container db-1 (not running)
    #3 await db service_healthy (needed by app) after #1, #2
    #4 start container app-1 (not running) after #3
    ");
    let named = project([(
        "web",
        service("nginx:1").with(|web| {
            web.scale = Some(2);
            web.container_name = Some("proxy".parse().unwrap());
        }),
    )]);
    assert_snapshot!(plan(&named, &observed, &UpOptions::default()), @"error: service `web` cannot have 2 containers of the one name `proxy`");
}

#[test]
fn orphans_are_named_and_removed_on_request() {
    let observed = running(&shop());
    let mut rest = shop();
    rest.services.retain(|key, _| key.as_str() != "web");
    let app = rest.services.remove("app").unwrap();
    rest.disabled.insert(name("app"), app);
    let leave = up(&rest, &observed);
    assert!(leave.is_empty());
    assert_eq!(names(&leave), ["shop-web-1"], "`app` is switched off, not gone");
    let remove = UpOptions { remove_orphans: true, ..UpOptions::default() };
    assert_snapshot!(plan(&rest, &observed, &remove), @r"
    #1 stop container shop-web-1 (orphan)
    #2 remove container shop-web-1 (orphan) after #1
    ");
}

#[test]
fn a_container_that_was_taken_off_a_network_is_made_anew() {
    let mut observed = running(&shop());
    // What it is on beside the file is its user's business.
    container(&mut observed, "shop-db-1").networks.insert("further".parse().unwrap());
    assert!(up(&shop(), &observed).is_empty());
    container(&mut observed, "shop-web-1").networks.clear();
    assert_snapshot!(up(&shop(), &observed), @r"
    #1 stop container shop-web-1 (not on network default)
    #2 remove container shop-web-1 (not on network default) after #1
    #3 create container web-1 (not on network default) after #2
    #4 start container web-1 (not on network default) after #3
    ");
}

#[test]
fn a_changed_network_is_made_anew() {
    let mut changed = shop();
    changed.networks.get_mut("default").unwrap().internal = true;
    changed.services.retain(|key, _| ["db", "web"].contains(&key.as_str()));
    let mut observed = running(&shop());
    // Even when only one service is asked for, all that are attached must let go.
    let options = UpOptions { services: vec![name("db")], remove_orphans: true, ..UpOptions::default() };
    assert_snapshot!(plan(&changed, &observed, &options), @r"
    #1 stop container shop-web-1 (network default recreated)
    #2 remove container shop-web-1 (network default recreated) after #1
    #3 stop container shop-app-1 (orphan) after #1
    #4 remove container shop-app-1 (orphan) after #3
    #5 stop container shop-migrate-1 (orphan) after #3
    #6 stop container shop-db-1 (network default recreated) after #3, #5
    #7 remove container shop-db-1 (network default recreated) after #6
    #8 remove container shop-migrate-1 (orphan) after #5
    #9 remove network default (configuration changed: internal) after #2, #4, #7, #8
    #10 create network default (configuration changed: internal) after #9
    #11 create container db-1 (network default recreated) after #7, #10
    #12 create container web-1 (network default recreated) after #2, #10
    #13 start container db-1 (network default recreated) after #11
    #14 start container web-1 (network default recreated) after #12
    ");
    let keep_orphans = UpOptions { remove_orphans: false, ..options };
    assert_snapshot!(plan(&changed, &observed, &keep_orphans), @"error: network `default` changed, but container `shop-app-1`, which stays, is attached to it");
    // One that vanished: what runs has lost it, what does not run is attached when it starts.
    observed = running(&changed);
    observed.networks.clear();
    container(&mut observed, "shop-web-1").state = ObservedState::Exited { code: 0 };
    assert_snapshot!(up(&changed, &observed), @r"
    #1 stop container shop-db-1 (network default recreated)
    #2 remove container shop-db-1 (network default recreated) after #1
    #3 create network default (missing)
    #4 create container db-1 (network default recreated) after #2, #3
    #5 start container db-1 (network default recreated) after #4
    #6 start container web-1 (not running) after #3
    ");
    changed.networks.get_mut("default").unwrap().external = true;
    assert_snapshot!(up(&changed, &running(&changed)), @"");
}

#[test]
fn a_fixed_port_waits_for_who_may_hold_it() {
    let port = Port { published: Some((80, 80)), ..Port::new(80) };
    let publishing = || service("nginx:1").with(|web| web.ports.push(port.clone()));
    let before = project([("old", publishing())]);
    let after = project([("new", publishing()), ("other", service("nginx:1"))]);
    let options = UpOptions { remove_orphans: true, ..UpOptions::default() };
    assert_snapshot!(plan(&after, &running(&before), &options), @r"
    #1 stop container shop-old-1 (orphan)
    #2 remove container shop-old-1 (orphan) after #1
    #3 create container new-1 (missing) after #2
    #4 create container other-1 (missing)
    #5 start container new-1 (missing) after #3
    #6 start container other-1 (missing) after #4
    ");
}

#[test]
fn a_container_name_that_moves_waits_for_the_old_one() {
    let called = |text: &str| service("nginx:1").with(|web| web.container_name = Some(text.parse().unwrap()));
    let before = project([("a", called("first")), ("b", called("second"))]);
    let after = project([("a", called("second")), ("b", called("first"))]);
    assert_snapshot!(up(&after, &running(&before)), @"
    #1 stop container first (configuration changed: container_name)
    #2 remove container first (configuration changed: container_name) after #1
    #3 stop container second (configuration changed: container_name)
    #4 remove container second (configuration changed: container_name) after #3
    #5 create container a-1 (configuration changed: container_name) after #2, #4
    #6 create container b-1 (configuration changed: container_name) after #2, #4
    #7 start container a-1 (configuration changed: container_name) after #5
    #8 start container b-1 (configuration changed: container_name) after #6
    ");
}

#[test]
fn pull_policies() {
    let with =
        |pull_policy| project([("web", service("nginx:1").with(|web: &mut Service| web.pull_policy = pull_policy))]);
    let always = with(Some(PullPolicy::Always));
    assert_snapshot!(up(&always, &running(&always)), @"#1 pull image nginx:1 (pull policy)");
    assert_snapshot!(plan(&with(Some(PullPolicy::Never)), &Observed::default(), &UpOptions::default()), @"error: image `nginx:1` of service `web` is not in the store, and its pull policy is `never`");
    let options = UpOptions { pull: Some(PullPolicy::Missing), ..UpOptions::default() };
    assert!(reconcile(&always, &running(&always), &options).unwrap().is_empty());
    let rootfs = project([("web", service("rootfs:/"))]);
    assert!(
        !up(&rootfs, &Observed::default())
            .steps()
            .any(|(_, step)| matches!(step.operation, Operation::PullImage { .. }))
    );
}

#[test]
fn what_is_built() {
    let built = |service: Service| service.with(|service| service.build = Some(Build::default()));
    let web = built(service("web:dev"));
    let shop = project([("db", service("postgres:15")), ("web", web.clone()), ("worker", service("web:dev"))]);
    assert_snapshot!(images(&shop, &Observed::default(), Building::Missing), @r"
    pull image postgres:15 (missing)
    build image of web (missing)
    ");
    assert_snapshot!(images(&shop, &running(&shop), Building::Missing), @"");
    assert_snapshot!(images(&shop, &running(&shop), Building::Always), @"build image of web (requested)");
    assert_snapshot!(images(&shop, &Observed::default(), Building::Never), @"error: image `web:dev` of service `web` is not in the store, and nothing is to be built");
    assert_snapshot!(images(&shop, &running(&shop), Building::Never), @"");
    for (policy, expected) in [
        (PullPolicy::Build, "build image of web (pull policy)"),
        (PullPolicy::Always, "pull image web:dev (pull policy)"),
        (PullPolicy::Never, ""),
    ] {
        let shop = project([("web", web.clone().with(|web: &mut Service| web.pull_policy = Some(policy)))]);
        assert_eq!(images(&shop, &running(&shop), Building::Missing), expected, "{policy}");
    }
    let always = |image: &str| {
        let web = built(service(image)).with(|web: &mut Service| web.pull_policy = Some(PullPolicy::Always));
        project([("web", web)])
    };
    // Without `image` it is called after the project, and no registry has it.
    let own = always("shop-web");
    assert_snapshot!(images(&own, &running(&own), Building::Missing), @"");
    assert_snapshot!(images(&own, &Observed::default(), Building::Missing), @"build image of web (missing)");
    let never = project([("web", web.with(|web: &mut Service| web.pull_policy = Some(PullPolicy::Never)))]);
    assert_snapshot!(images(&never, &Observed::default(), Building::Missing), @"build image of web (missing)");
}

/// What is planned about images.
fn images(project: &Project, observed: &Observed, build: Building) -> String {
    let options = UpOptions { build, ..UpOptions::default() };
    let plan = match reconcile(project, observed, &options) {
        Ok(plan) => plan,
        Err(error) => return format!("error: {error}"),
    };
    let is_of_image =
        |operation: &Operation| matches!(operation, Operation::PullImage { .. } | Operation::BuildImage { .. });
    let steps: Vec<_> =
        plan.steps().filter(|(_, step)| is_of_image(&step.operation)).map(|(_, step)| step.to_string()).collect();
    steps.join("\n")
}

#[test]
fn waiting_for_everything() {
    let options = UpOptions { wait: true, ..UpOptions::default() };
    assert_snapshot!(plan(&shop(), &Observed::default(), &options), @r"
    #1 pull image app:1 (missing)
    #2 pull image postgres:15 (missing)
    #3 pull image nginx:1 (missing)
    #4 create network default (missing)
    #5 create volume data (missing)
    #6 create container app-1 (missing) after #1, #4
    #7 create container db-1 (missing) after #2, #4, #5
    #8 create container migrate-1 (missing) after #1, #4
    #9 create container web-1 (missing) after #3, #4
    #10 start container db-1 (missing) after #7
    #11 await db service_healthy (needed by migrate) after #10
    #12 start container migrate-1 (missing) after #8, #11
    #13 await migrate service_completed_successfully (needed by app) after #12
    #14 start container app-1 (missing) after #6, #11, #13
    #15 await app service_started (needed by web) after #14
    #16 start container web-1 (missing) after #9, #15
    #17 await app service_started (requested) after #11, #13, #14, #15
    #18 await web service_started (requested) after #11, #13, #15, #16
    ");
    let mut observed = running(&shop());
    container(&mut observed, "shop-db-1").state = ObservedState::Running { health: Health::Starting };
    assert_snapshot!(plan(&shop(), &observed, &options), @r"
    #1 await db service_healthy (requested)
    #2 await migrate service_completed_successfully (requested)
    ");
}

#[test]
fn conditions_that_cannot_be_met() {
    let wait = |required| {
        let dependency = Dependency { condition: Condition::ServiceHealthy, restart: false, required };
        let web = service("nginx:1").depends("db", dependency);
        project([("db", service("postgres:15")), ("web", web)])
    };
    let mut observed = Observed::default();
    let healthy = |plan: String| plan.lines().filter(|line| line.contains("healthy")).collect::<String>();
    // Before the pull nobody knows whether the image brings a check.
    assert_snapshot!(healthy(plan(&wait(true), &observed, &UpOptions::default())), @"#7 await db service_healthy (needed by web) after #6");
    renew(&mut observed, "postgres:15");
    assert_snapshot!(plan(&wait(true), &observed, &UpOptions::default()), @"error: service `web` waits for `db` to be healthy, but `db` has no health check");
    assert_snapshot!(healthy(plan(&wait(false), &observed, &UpOptions::default())), @"#6 await db service_healthy, if it can be had (needed by web) after #5");
    observed.image_healthchecks.insert(super::world::image("postgres:15"));
    assert_snapshot!(healthy(plan(&wait(true), &observed, &UpOptions::default())), @"#6 await db service_healthy (needed by web) after #5");
    let cyclic = project([
        ("a", service("x").needs("b", Condition::ServiceStarted)),
        ("b", service("x").needs("a", Condition::ServiceStarted)),
    ]);
    assert_snapshot!(plan(&cyclic, &observed, &UpOptions::default()), @"error: dependency cycle: a -> b -> a");
}

#[test]
fn nobody_waits_for_what_shall_not_run() {
    let none = service("postgres:15").checked().with(|db| db.scale = Some(0));
    let project = project([("db", none), ("web", service("nginx:1").needs("db", Condition::ServiceHealthy))]);
    assert_snapshot!(up(&project, &Observed::default()), @r"
    #1 pull image nginx:1 (missing)
    #2 create network default (missing)
    #3 create container web-1 (missing) after #1, #2
    #4 start container web-1 (missing) after #3
    ");
}

#[test]
fn who_shares_namespaces_follows_their_owner() {
    let dependency = Dependency { condition: Condition::ServiceStarted, restart: true, required: true };
    let sidecar = service("envoy:1").depends("web", dependency).with(|service| {
        service.networks.clear();
        service.network_mode = Some("service:web".parse().unwrap());
    });
    let project = project([("web", service("nginx:1")), ("sidecar", sidecar)]);
    let mut observed = running(&project);
    renew(&mut observed, "nginx:1");
    assert_snapshot!(up(&project, &observed), @r"
    #1 stop container shop-sidecar-1 (shares with web)
    #2 remove container shop-sidecar-1 (shares with web) after #1
    #3 stop container shop-web-1 (image changed) after #1
    #4 remove container shop-web-1 (image changed) after #3
    #5 create container sidecar-1 (shares with web) after #2
    #6 create container web-1 (image changed) after #4
    #7 start container web-1 (image changed) after #6
    #8 await web service_started (needed by sidecar) after #7
    #9 start container sidecar-1 (shares with web) after #5, #8
    ");
    // The namespace of a container goes with its run, even if the container stays.
    let mut observed = running(&project);
    container(&mut observed, "shop-web-1").state = ObservedState::Exited { code: 0 };
    assert_snapshot!(up(&project, &observed), @r"
    #1 stop container shop-sidecar-1 (shares with web)
    #2 start container web-1 (not running)
    #3 await web service_started (needed by sidecar) after #2
    #4 start container sidecar-1 (shares with web) after #1, #3
    ");
}

#[test]
fn changed_network_limits_change_a_container_as_it_is() {
    let limited = |rate: Option<u64>| {
        let limits = NetworkLimits { rate: Some(Rates { inward: rate, outward: None }), ..NetworkLimits::default() };
        project([("web", service("nginx:1").with(|web| web.set_network_limits(rate.map(|_| limits))))])
    };
    let mut observed = running(&limited(None));
    assert_snapshot!(up(&limited(Some(1)), &observed), @"#1 update container shop-web-1 (network limits changed)");
    container(&mut observed, "shop-web-1").state = ObservedState::Exited { code: 1 };
    assert_snapshot!(up(&limited(Some(1)), &observed), @r"
    #1 update container shop-web-1 (network limits changed)
    #2 start container web-1 (not running) after #1
    ");
    let mut observed = running(&limited(Some(1)));
    assert!(up(&limited(Some(1)), &observed).is_empty());
    assert_snapshot!(up(&limited(None), &observed), @"#1 update container shop-web-1 (network limits changed)");
    // One that is made anew has them from the start.
    container(&mut observed, "shop-web-1").definition.hash = "another".to_owned();
    let plan = up(&limited(Some(2)), &observed);
    assert!(!plan.steps().any(|(_, step)| matches!(step.operation, Operation::UpdateContainer { .. })), "{plan}");
}

#[test]
fn a_service_that_says_how_is_updated_in_one_step() {
    let rolling = |variable: &str| {
        let deploy = Deploy { replicas: Some(2), update_config: Some(UpdateConfig::default()), ..Deploy::default() };
        let web = service("nginx:1").with(|web| {
            web.deploy = Some(deploy);
            web.environment.insert("VARIABLE".to_owned(), variable.to_owned());
        });
        let app = service("app:1").needs("web", Condition::ServiceStarted);
        project([("web", web), ("app", app)])
    };
    let before = running(&rolling("one"));
    assert_snapshot!(up(&rolling("two"), &before), @"#1 roll out web in place of shop-web-1, shop-web-2 (configuration changed: environment.VARIABLE)");
    // How it is updated is not what it is.
    let mut otherwise = rolling("one");
    otherwise.services.get_mut(&name("web")).unwrap().deploy.as_mut().unwrap().update_config = None;
    assert!(up(&otherwise, &before).is_empty());
    // A fixed address cannot be had twice.
    let mut fixed = rolling("two");
    let web = fixed.services.get_mut(&name("web")).unwrap();
    web.networks.values_mut().for_each(|attachment| attachment.ipv4_address = Some([10, 0, 0, 9].into()));
    web.deploy.as_mut().unwrap().replicas = Some(1);
    let steps = up(&fixed, &before).to_string();
    assert!(steps.contains("remove container shop-web-1") && !steps.contains("roll out"), "{steps}");
}

#[test]
fn what_an_interrupted_update_has_left_goes() {
    let web = |variable: &str| {
        let deploy = Deploy { update_config: Some(UpdateConfig::default()), ..Deploy::default() };
        project([(
            "web",
            service("nginx:1").with(|web| {
                web.deploy = Some(deploy);
                web.environment.insert("VARIABLE".to_owned(), variable.to_owned());
            }),
        )])
    };
    let mut observed = running(&web("one"));
    let mut new = running(&web("two")).containers.remove(0);
    new.id = ContainerId::new("f".repeat(64)).unwrap();
    (new.name, new.number) = ("ffffffff_shop-web-1".parse().unwrap(), 2);
    observed.containers.push(new);
    assert_snapshot!(up(&web("two"), &observed), @"
    #1 stop container ffffffff_shop-web-1 (scaled down)
    #2 remove container ffffffff_shop-web-1 (scaled down) after #1
    #3 roll out web in place of shop-web-1 (configuration changed: environment.VARIABLE)
    ");
}
