//! Answers whose time says nothing: a known address causes more work than an unknown one, and a stopwatch must not tell.

use std::time::Duration;
use tokio::time::Instant;

/// Answers come at multiples of this after their request. Far longer than the difference in work, far shorter than what
/// people notice who then go and look for a mail.
const STEP: Duration = Duration::from_millis(100);

/// The same for wrong passwords: hashes that were made by other systems take several times as long to compare with as ours.
const STEP_OF_WRONG_PASSWORDS: Duration = Duration::from_millis(500);

/// Does something, and answers at the next full step.
pub async fn evenly<T>(work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    tokio::time::sleep_until(began + whole_steps(began.elapsed(), STEP)).await;
    done
}

/// Waits with the answer to a wrong password, which has been worked on since a moment.
pub async fn wrong_password(began: Instant) {
    tokio::time::sleep_until(began + whole_steps(began.elapsed(), STEP_OF_WRONG_PASSWORDS)).await;
}

/// The time rounded up to a whole number of steps, at least one. Pure.
fn whole_steps(taken: Duration, step: Duration) -> Duration {
    let steps = taken.as_nanos().div_ceil(step.as_nanos().max(1)).max(1);
    step * u32::try_from(steps).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_different_length_answers_at_the_same_time() {
        let step = |millis: u64| whole_steps(Duration::from_millis(millis), STEP);
        assert_eq!((step(0), step(1), step(99), step(100)), (STEP, STEP, STEP, STEP));
        assert_eq!((step(101), step(200), step(201)), (STEP * 2, STEP * 2, STEP * 3));
    }

    #[tokio::test]
    async fn an_answer_waits_for_its_step_and_is_given_whole() {
        let began = Instant::now();
        assert_eq!(evenly(async { 7 }).await, 7);
        assert!(began.elapsed() >= STEP);
    }
}
