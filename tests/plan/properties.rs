//! What holds of every plan, whatever the project was before.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rcompose::compose::model::{
    Attachment, Condition, Dependency, Deploy, Mount, Port, Project, Service, UpdateConfig,
};
use rcompose::plan::{
    DownOptions, Observed, ObservedState, Operation, Plan, PlanError, Recreate, UpOptions, reconcile, teardown,
};

use super::world::{With, carry_out, name, project, service};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A service that may depend on those named before it.
fn any_service(position: usize) -> impl Strategy<Value = Service> {
    let dependency = (0..3usize, any::<bool>(), any::<bool>()).prop_map(|(condition, restart, required)| {
        let conditions =
            [Condition::ServiceStarted, Condition::ServiceHealthy, Condition::ServiceCompletedSuccessfully];
        Dependency { condition: conditions[condition], restart, required }
    });
    let depends_on = prop::collection::btree_map(0..NAMES.len(), dependency, 0..3);
    (0..2u8, 0..2u8, 0..3u32, depends_on, any::<[bool; 4]>()).prop_map(
        move |(image, variable, scale, depends_on, [network, volume, port, rolls])| {
            let mut service = service(&format!("image:{image}")).checked();
            service.environment.insert("VARIABLE".to_owned(), variable.to_string());
            service.scale = Some(scale);
            service.depends_on = depends_on
                .into_iter()
                .filter(|(on, _)| *on < position)
                .map(|(on, dependency)| (name(NAMES[on]), dependency))
                .collect();
            if rolls {
                let update_config = Some(UpdateConfig::default());
                service.deploy = Some(Deploy { update_config, ..Deploy::default() });
            }
            if network {
                service.networks.insert("back".parse().unwrap(), Attachment::default());
            }
            if volume {
                let source = Some("data".parse().unwrap());
                service.volumes.push(Mount::volume(source, "/d"));
            }
            if port {
                let published = Some((8000, 8010));
                service.ports.push(Port { published, ..Port::new(80) });
            }
            service
        },
    )
}

fn any_project() -> impl Strategy<Value = Project> {
    let services: Vec<_> =
        (0..NAMES.len()).map(|position| prop::option::weighted(0.7, any_service(position))).collect();
    (services, any::<bool>()).prop_map(|(services, internal)| {
        let services = NAMES.into_iter().zip(services);
        let mut project = project(services.filter_map(|(name, service)| Some((name, service?))));
        for service in project.services.clone().keys() {
            let known: BTreeSet<_> = project.services.keys().cloned().collect();
            project.services.get_mut(service).unwrap().depends_on.retain(|on, _| known.contains(on));
        }
        if let Some(network) = project.networks.get_mut("back") {
            network.internal = internal;
        }
        project
    })
}

fn any_options() -> impl Strategy<Value = UpOptions> {
    let recreate = prop::sample::select(vec![Recreate::Diverged, Recreate::Force]);
    let services = prop::option::of(0..NAMES.len());
    (recreate, services, any::<[bool; 3]>()).prop_map(
        |(recreate, service, [remove_orphans, renew_volumes, no_deps])| UpOptions {
            services: service.map(|position| name(NAMES[position])).into_iter().collect(),
            recreate,
            remove_orphans,
            renew_volumes,
            no_deps: no_deps && service.is_some(),
            ..UpOptions::default()
        },
    )
}

/// Picks among the steps that are ready by the numbers of a list, over and over.
fn choices(list: &[u8]) -> impl FnMut(usize) -> usize + '_ {
    let mut list = list.iter().copied().cycle();
    move |ready| list.next().map_or(0, |choice| usize::from(choice) % ready)
}

/// The same project with dependencies left out that `--no-deps` does not wait for, for the simulator to check starts by.
fn as_checked(project: &Project, options: &UpOptions) -> Project {
    let mut project = project.clone();
    if options.no_deps {
        project.services.values_mut().for_each(|service| service.depends_on.clear());
    }
    project
}

fn assert_targets_are_unique(plan: &Plan) {
    let mut targets = BTreeSet::new();
    for (_, step) in plan.steps() {
        if let Operation::CreateContainer { service, number, .. } = &step.operation {
            assert!(targets.insert((service.clone(), *number)), "two of {service}-{number}:\n{plan}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_carried_out_in_any_order_leaves_nothing_to_plan(
        before in any_project(),
        after in any_project(),
        options in any_options(),
        states in prop::collection::vec(0..4u8, 15),
        order in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let mut observed = Observed::default();
        let everything = UpOptions::default();
        let first = reconcile(&before, &observed, &everything).unwrap();
        carry_out(&first, Some(&before), &mut observed, &mut choices(&order));
        prop_assert!(reconcile(&before, &observed, &everything).unwrap().is_empty());

        for (container, state) in observed.containers.iter_mut().zip(states) {
            match state {
                0 => container.state = ObservedState::Exited { code: 1 },
                1 => container.state = ObservedState::Created,
                _ => {}
            }
        }
        let plan = match reconcile(&after, &observed, &options) {
            Ok(plan) => plan,
            // Told apart in the tables; here there is nothing to carry out.
            Err(PlanError::NoSuchService { .. } | PlanError::NetworkInUse { .. }) => return Ok(()),
            Err(error) => panic!("{error}"),
        };
        assert_targets_are_unique(&plan);
        let checked = as_checked(&after, &options);
        carry_out(&plan, Some(&checked), &mut observed, &mut choices(&order));

        let again = UpOptions { recreate: Recreate::Diverged, ..options };
        let second = reconcile(&after, &observed, &again).unwrap();
        prop_assert!(second.is_empty(), "after\n{plan}there is\n{second}");

        let everything = DownOptions { remove_orphans: true, volumes: true, ..DownOptions::default() };
        let down = teardown(Some(&after), &observed, &everything);
        let kept = observed.volumes.clone().into_iter().filter(|(volume, _)| !after.volumes.contains_key(volume)).collect();
        carry_out(&down, Some(&after), &mut observed, &mut choices(&order));
        let images = observed.images.clone();
        prop_assert_eq!(observed, Observed { images, volumes: kept, ..Observed::default() });
    }

    #[test]
    fn the_same_inputs_give_the_same_plan(project in any_project(), options in any_options()) {
        let text = |observed: &Observed| reconcile(&project, observed, &options).map(|plan| plan.to_string());
        prop_assert_eq!(text(&Observed::default()), text(&Observed::default()));
    }
}
