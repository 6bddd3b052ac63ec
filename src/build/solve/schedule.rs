//! Carries out steps, each after those it needs, as many at a time as there are workers.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What all workers share.
struct Board<T, E> {
    /// What can be begun.
    ready: VecDeque<usize>,
    /// How many of its inputs each step still waits for.
    missing: Vec<usize>,
    results: Vec<Option<T>>,
    /// How many steps nobody has finished.
    left: usize,
    failure: Option<(usize, E)>,
}

/// Does `work` for every step, given what came of its inputs; `inputs` names those of each. Steps are begun in their order
/// where there is a choice. When one fails, no other is begun, `stop` is called, and the failure is returned once those that
/// were begun have ended.
///
/// # Errors
/// The first failure, with its step.
///
/// # Panics
/// When steps wait for one another in a circle.
pub(super) fn carry_out<T: Clone + Send, E: Send>(
    inputs: &[Vec<usize>],
    workers: NonZeroUsize,
    work: impl Fn(usize, Vec<T>) -> Result<T, E> + Sync,
    stop: impl Fn() + Sync,
) -> Result<Vec<T>, (usize, E)> {
    let mut users = vec![Vec::new(); inputs.len()];
    for (step, needed) in inputs.iter().enumerate() {
        needed.iter().for_each(|input| users[*input].push(step));
    }
    let missing: Vec<usize> = inputs.iter().map(Vec::len).collect();
    let board = Mutex::new(Board {
        ready: (0..inputs.len()).filter(|step| missing[*step] == 0).collect(),
        missing,
        results: (0..inputs.len()).map(|_| None).collect(),
        left: inputs.len(),
        failure: None,
    });
    let changed = Condvar::new();
    std::thread::scope(|scope| {
        for _ in 0..workers.get().min(inputs.len()) {
            scope.spawn(|| {
                while let Some((step, of_inputs)) = next(&board, &changed, inputs) {
                    let result = work(step, of_inputs);
                    let has_failed = result.is_err();
                    finish(&board, &users[step], step, result);
                    changed.notify_all();
                    if has_failed {
                        stop();
                    }
                }
            });
        }
    });
    let board = board.into_inner().unwrap_or_else(PoisonError::into_inner);
    match board.failure {
        Some(failure) => Err(failure),
        None => Ok(board.results.into_iter().map(|result| result.expect("every step was carried out")).collect()),
    }
}

/// Waits for a step that can be begun; `None` when there will be none.
fn next<T: Clone, E>(board: &Mutex<Board<T, E>>, changed: &Condvar, inputs: &[Vec<usize>]) -> Option<(usize, Vec<T>)> {
    let mut board = lock(board);
    loop {
        if board.failure.is_some() || board.left == 0 {
            return None;
        }
        if let Some(step) = board.ready.pop_front() {
            let result = |input: &usize| board.results[*input].clone().expect("it is ready when its inputs are there");
            return Some((step, inputs[step].iter().map(result).collect()));
        }
        board = changed.wait(board).unwrap_or_else(PoisonError::into_inner);
    }
}

fn finish<T, E>(board: &Mutex<Board<T, E>>, users: &[usize], step: usize, result: Result<T, E>) {
    let mut board = lock(board);
    match result {
        Ok(result) => {
            board.results[step] = Some(result);
            board.left -= 1;
            for user in users {
                board.missing[*user] -= 1;
                if board.missing[*user] == 0 {
                    board.ready.push_back(*user);
                }
            }
        }
        Err(error) => {
            // What fails after the first one fails because of it, or is told by the next build.
            board.failure.get_or_insert((step, error));
        }
    }
}

/// A worker that has panicked has left the board as it was.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn workers(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn each_after_its_inputs() {
        // 0 ─▶ 1 ─▶ 3, 0 ─▶ 2 ─▶ 3, 4 alone; 3 takes 1 twice.
        let inputs = [vec![], vec![0], vec![0], vec![1, 2, 1], vec![]];
        for count in 1..4 {
            let text = |step: usize, of: Vec<String>| Ok::<_, ()>(format!("{step}({})", of.join(" ")));
            let results = carry_out(&inputs, workers(count), text, || {}).unwrap();
            assert_eq!(results, ["0()", "1(0())", "2(0())", "3(1(0()) 2(0()) 1(0()))", "4()"]);
        }
        assert_eq!(carry_out(&[], workers(2), |_, _| Ok::<_, ()>(()), || {}), Ok(vec![]));
    }

    #[test]
    fn what_is_independent_is_done_at_once() {
        let both = Barrier::new(2);
        let meet = |_, _| {
            both.wait();
            Ok::<_, ()>(())
        };
        carry_out(&[vec![], vec![]], workers(2), meet, || {}).unwrap();
    }

    #[test]
    fn after_a_failure_nothing_is_begun() {
        let (begun, stopped) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let fail = |step, _| {
            begun.fetch_add(1, Ordering::SeqCst);
            if step == 1 { Err("no") } else { Ok(()) }
        };
        let stop = || {
            stopped.fetch_add(1, Ordering::SeqCst);
        };
        let failure = carry_out(&[vec![], vec![0], vec![1], vec![2]], workers(2), fail, stop);
        assert_eq!(failure, Err((1, "no")));
        assert_eq!((begun.into_inner(), stopped.into_inner()), (2, 1));
    }
}
