//! Who called what, and what it cost.

use std::collections::BTreeMap;

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    /// The function.
    pub(crate) by: String,
    /// The service.
    pub(crate) service: &'static str,
    /// The operation.
    pub(crate) operation: String,
    /// What it was about: the record's kind, the stream's, the secret's name.
    pub(crate) about: String,
    /// The request, word by word: two calls with the same in one invocation are one too many.
    pub(crate) key: String,
    /// Half read units of DynamoDB.
    pub(crate) half_reads: u64,
    /// Write units of DynamoDB, indexes included.
    pub(crate) writes: u64,
}

impl Call {
    /// A call that uses no capacity.
    pub(crate) fn new(by: String, service: &'static str, operation: &str, about: impl Into<String>) -> Self {
        Self {
            by,
            service,
            operation: operation.to_owned(),
            about: about.into(),
            key: String::new(),
            half_reads: 0,
            writes: 0,
        }
    }

    /// Whether it only looks.
    pub(crate) fn is_read(&self) -> bool {
        self.operation == "Query" || self.operation.starts_with("Get")
    }

    /// Service, operation and what it was about.
    pub(crate) fn what(&self) -> String {
        format!("{} {} {}", self.service, self.operation, self.about)
            .trim_end()
            .to_owned()
    }
}

/// The calls of some time, in their order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Calls(pub(crate) Vec<Call>);

impl Calls {
    pub(crate) fn note(&mut self, call: Call) {
        self.0.push(call);
    }

    /// The calls that were made more than once, word by word, and how often.
    pub(crate) fn repeated(&self) -> Vec<(String, usize)> {
        let mut times: BTreeMap<(&str, &str, &str), (String, usize)> = BTreeMap::new();
        for call in &self.0 {
            let same = (call.service, call.operation.as_str(), call.key.as_str());
            let (_, times) = times.entry(same).or_insert_with(|| (call.what(), 0));
            *times += 1;
        }
        times.into_values().filter(|(_, times)| *times > 1).collect()
    }

    /// The kinds of the records that were inserted, in their order.
    pub(crate) fn inserted(&self) -> Vec<String> {
        let inserts = self.0.iter().filter(|call| call.operation == "Insert");
        inserts.map(|call| call.about.clone()).collect()
    }
}
