//! Which of its queues woke the function.

/// One of the function's queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// What was approved.
    Approval,
    /// What is to be taken back.
    Restore,
    /// What is to be verified.
    Verification,
}

impl Lane {
    /// The lane of a queue's ARN, by the end of the queue's name.
    pub fn of_queue(arn: &str) -> Option<Self> {
        match arn.rsplit('-').next()? {
            "execution" => Some(Lane::Approval),
            "restore" => Some(Lane::Restore),
            "verify" => Some(Lane::Verification),
            _ => None,
        }
    }
}
