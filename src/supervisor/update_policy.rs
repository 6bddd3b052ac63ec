//! How the containers of a service are replaced one after the other: pure policy, from `deploy.update_config`.

use std::time::Duration;

use crate::compose::model::{Service, UpdateConfig, UpdateOrder};

/// How a service is updated, or rolled back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpdatePolicy {
    /// How many containers at once; 0 is all.
    pub parallelism: usize,
    /// Between one batch and the next.
    pub delay: Duration,
    /// How long a new container is watched after it is ready.
    pub monitor: Duration,
    /// Which part of the containers may fail.
    pub max_failure_ratio: f64,
    /// What follows when more do.
    pub on_failure: FailureAction,
    /// What comes first.
    pub order: UpdateOrder,
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FailureAction {
    /// Those that are replaced stay so, the others are left as they are.
    #[default]
    Pause,
    /// The update goes on as if nothing had been.
    Continue,
    /// Those that are replaced get the old ones back.
    Rollback,
}

impl UpdatePolicy {
    /// That of `config`, with the defaults of the specification.
    #[must_use]
    pub fn of(config: &UpdateConfig) -> Self {
        Self {
            parallelism: config.parallelism.map_or(1, |count| usize::try_from(count).unwrap_or(0)),
            delay: config.delay.unwrap_or_default(),
            monitor: config.monitor.unwrap_or_default(),
            max_failure_ratio: config.max_failure_ratio.unwrap_or_default(),
            on_failure: match config.failure_action.as_deref() {
                Some("continue") => FailureAction::Continue,
                Some("rollback") => FailureAction::Rollback,
                _ => FailureAction::Pause,
            },
            order: config.order.unwrap_or(UpdateOrder::StopFirst),
        }
    }

    /// How a service is updated, and how it is rolled back: one container after the other unless told otherwise.
    #[must_use]
    pub fn both(service: &Service) -> (Self, Self) {
        let deploy = service.deploy.clone().unwrap_or_default();
        let update = Self::of(&deploy.update_config.unwrap_or_default());
        let rollback = Self::of(&deploy.rollback_config.unwrap_or_default());
        (update, rollback)
    }

    /// How many containers of `total` each batch has.
    #[must_use]
    pub fn batch(&self, total: usize) -> usize {
        if self.parallelism == 0 { total.max(1) } else { self.parallelism }
    }

    /// What follows when `failed` of `total` have failed so far.
    #[must_use]
    pub fn after(&self, failed: usize, total: usize) -> FailureAction {
        // No service has so many containers that a float could not count them.
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let ratio = failed as f64 / total.max(1) as f64;
        if ratio > self.max_failure_ratio { self.on_failure } else { FailureAction::Continue }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> UpdatePolicy {
        UpdatePolicy::of(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn defaults() {
        let policy = policy("{}");
        assert_eq!((policy.parallelism, policy.order), (1, UpdateOrder::StopFirst));
        assert_eq!((policy.delay, policy.monitor), (Duration::ZERO, Duration::ZERO));
        assert_eq!((policy.after(0, 3), policy.after(1, 3)), (FailureAction::Continue, FailureAction::Pause));
    }

    #[test]
    fn batches() {
        for (parallelism, total, batch) in [(0, 5, 5), (0, 0, 1), (1, 5, 1), (3, 5, 3), (9, 5, 9)] {
            assert_eq!(policy(&format!(r#"{{"parallelism": {parallelism}}}"#)).batch(total), batch, "{parallelism}");
        }
    }

    #[test]
    fn as_many_may_fail_as_the_ratio_says() {
        let quarter = policy(r#"{"max_failure_ratio": 0.25, "failure_action": "rollback"}"#);
        for (failed, total, action) in
            [(1, 4, FailureAction::Continue), (2, 4, FailureAction::Rollback), (1, 3, FailureAction::Rollback)]
        {
            assert_eq!(quarter.after(failed, total), action, "{failed} of {total}");
        }
        let continues = policy(r#"{"failure_action": "continue"}"#);
        assert_eq!(continues.after(4, 4), FailureAction::Continue);
    }
}
