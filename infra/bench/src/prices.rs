//! What AWS charges: us-east-1, on demand, without free tiers, USD; as its price list had it in autumn 2026.

/// A million write request units of DynamoDB: <https://aws.amazon.com/dynamodb/pricing/on-demand/>
pub(crate) const WRITES: f64 = 0.625;
/// A million read request units.
pub(crate) const READS: f64 = 0.125;
/// A million requests of SQS: <https://aws.amazon.com/sqs/pricing/>
pub(crate) const SQS: f64 = 0.40;
/// A million messages published to SNS: <https://aws.amazon.com/sns/pricing/>
pub(crate) const SNS: f64 = 0.50;
/// A million events on a bus of EventBridge: <https://aws.amazon.com/eventbridge/pricing/>
pub(crate) const EVENTS: f64 = 1.00;
/// A million objects put into S3: <https://aws.amazon.com/s3/pricing/>
pub(crate) const S3_PUTS: f64 = 5.00;
/// A million signatures of KMS with an asymmetric key: <https://aws.amazon.com/kms/pricing/>
pub(crate) const KMS: f64 = 15.00;
/// A million invocations of Lambda: <https://aws.amazon.com/lambda/pricing/>
pub(crate) const INVOCATIONS: f64 = 0.20;
/// A million seconds of a function of 512 MB on arm64.
pub(crate) const SECONDS: f64 = 6.6667;
/// A million transitions of Step Functions, Standard: <https://aws.amazon.com/step-functions/pricing/>
pub(crate) const TRANSITIONS: f64 = 25.00;
/// A million operations of a durable function: <https://aws.amazon.com/lambda/pricing/>
pub(crate) const DURABLE_OPERATIONS: f64 = 8.00;

/// The states that the same flow takes in Step Functions, and the operations of a durable function: `infra/decisions/0020`.
pub(crate) const STATES: f64 = 13.0;
pub(crate) const OPERATIONS: f64 = 12.0;
