//! Rates, counts, latencies, windows and money.

use super::*;

#[test]
fn a_rate_is_a_fraction_and_a_percentage_is_not_guessed() {
    check(
        ProviderUnhealthy,
        "error_rate",
        &[
            json!(1),
            json!(0.30000000000000004),
            json!(1.0000000001),
            json!(-1e-12),
            json!("0.62"),
            json!("6.2e-1"),
            json!(62),
            json!(1.7),
            json!(1.000_001),
            json!("62%"),
            json!("62"),
            json!(-0.5),
            json!(1e300),
            json!("NaN"),
            json!("Infinity"),
            json!("1e99999999999"),
            json!(true),
            json!(null),
        ],
        expect![[r#"
            1 → error_rate 1000000 |
            0.30000000000000004 → error_rate 300000 |
            1.0000000001 → error_rate 1000000 | detail.error_rate: 1.0000000001 is taken as 1
            -1e-12 → error_rate 0 | detail.error_rate: -1e-12 is taken as 0
            "0.62" → | detail.error_rate: "0.62" is taken as 0.62
            "6.2e-1" → | detail.error_rate: "6.2e-1" is taken as 0.62
            62 → refused | detail.error_rate: 62 is not a fraction within 0–1, and a percentage is not guessed
            1.7 → refused | detail.error_rate: 1.7 is not a fraction within 0–1, and a percentage is not guessed
            1.000001 → refused | detail.error_rate: 1.000001 is not a fraction within 0–1, and a percentage is not guessed
            "62%" → refused | detail.error_rate: "62%" is not a number
            "62" → refused | detail.error_rate: "62" is not a fraction within 0–1, and a percentage is not guessed
            -0.5 → refused | detail.error_rate: -0.5 is not a fraction within 0–1, and a percentage is not guessed
            1e+300 → refused | detail.error_rate: 1e+300 is not a fraction within 0–1, and a percentage is not guessed
            "NaN" → refused | detail.error_rate: "NaN" is not a number
            "Infinity" → refused | detail.error_rate: "Infinity" is not a number
            "1e99999999999" → refused | detail.error_rate: "1e99999999999" is not a number
            true → refused | detail.error_rate: true is not a number
            null → refused | detail.error_rate: is missing
        "#]],
    );
    let of_success = |actual: Value| {
        let mut detail = detail(SlaViolation);
        detail["metric"] = json!("success_rate");
        detail["target"] = json!(0.99);
        detail["actual"] = actual;
        let reading = read(SlaViolation, &detail)?;
        Ok::<_, Malformed>((reading.event.to_string(), reading.complaints.len()))
    };
    let told = "contract gold: success rate is 100.0 %, target 99.0 %".to_owned();
    assert_eq!(of_success(json!(1.0000000002)), Ok((told, 1)));
    expect!["detail.actual: 98.5 is not a fraction within 0–1, and a percentage is not guessed"]
        .assert_eq(&of_success(json!(98.5)).unwrap_err().to_string());
}

#[test]
fn counts_and_latencies_are_rounded_and_text_is_read() {
    check(
        ProviderUnhealthy,
        "requests",
        &[
            json!(180.0),
            json!(179.99999999),
            json!("180"),
            json!(4.96),
            json!(1e3),
            json!(-1e-9),
            json!(-1),
            json!("many"),
            json!("1,000"),
            json!(1_000_000_000_001_u64),
            json!(1e300),
            json!(-1e300),
            json!([180]),
            json!(null),
        ],
        expect![[r#"
            180.0 → |
            179.99999999 → | detail.requests: 179.99999999 is taken as 180
            "180" → | detail.requests: "180" is taken as 180
            4.96 → requests 5 | detail.requests: 4.96 is taken as 5
            1000.0 → requests 1000 |
            -1e-9 → requests 0 | detail.requests: -1e-9 is taken as 0
            -1 → refused | detail.requests: -1 is not a whole number from 0
            "many" → refused | detail.requests: "many" is not a whole number from 0
            "1,000" → refused | detail.requests: "1,000" is not a whole number from 0
            1000000000001 → refused | detail.requests: 1000000000001 is not within 0–1000000000000
            1e+300 → refused | detail.requests: 1e+300 is not within 0–1000000000000
            -1e+300 → refused | detail.requests: -1e+300 is not a whole number from 0
            [180] → refused | detail.requests: a list is not a whole number from 0
            null → refused | detail.requests: is missing
        "#]],
    );
    check(
        LatencySpike,
        "current_ms",
        &[
            json!(1900.5),
            json!(612_000),
            json!(86_400_000),
            json!(86_400_001),
            json!("1900.25"),
            json!("1900 ms"),
        ],
        expect![[r#"
            1900.5 → current_ms 1901 | detail.current_ms: 1900.5 is taken as 1901
            612000 → current_ms 612000 |
            86400000 → current_ms 86400000 |
            86400001 → refused | detail.current_ms: 86400001 is not within 0–86400000
            "1900.25" → | detail.current_ms: "1900.25" is taken as 1900
            "1900 ms" → refused | detail.current_ms: "1900 ms" is not a whole number from 0
        "#]],
    );
    check(
        LatencySpike,
        "median_1h_ms",
        &[json!(0.4), json!(0), json!(412.7)],
        expect![[r#"
            0.4 → median_1h_ms 1 | detail.median_1h_ms: 0.4 is taken as 1
            0 → refused | detail.median_1h_ms: 0 is not within 1–86400000
            412.7 → median_1h_ms 413 | detail.median_1h_ms: 412.7 is taken as 413
        "#]],
    );
    check(
        SlaViolation,
        "window_s",
        &[
            json!(300.0),
            json!("300"),
            json!(299.6),
            json!(0),
            json!(604_800),
            json!("5m"),
            json!(null),
        ],
        expect![[r#"
            300.0 → |
            "300" → | detail.window_s: "300" is taken as 300
            299.6 → | detail.window_s: 299.6 is taken as 300
            0 → no window_s | detail.window_s: 0 is not within 1–86400: left out
            604800 → no window_s | detail.window_s: 604800 is not within 1–86400: left out
            "5m" → no window_s | detail.window_s: "5m" is not a whole number from 0: left out
            null → no window_s | detail.window_s: is missing: left out
        "#]],
    );
}

#[test]
fn money_is_exact_to_the_millionth_however_it_is_written() {
    check(
        BudgetExceeded,
        "spend",
        &[
            json!("104.3700000000000001"),
            json!("104.370000"),
            json!(104.37),
            json!(100),
            json!("1.2e2"),
            json!("104.37000049"),
            json!("-5.00"),
            json!(-0.000_000_01),
            json!("$104.37"),
            json!("1,000.00"),
            json!("10000000000"),
            json!(1e300),
            json!("1e-99999999"),
            json!("NaN"),
            json!(true),
            json!(null),
        ],
        expect![[r#"
            "104.3700000000000001" → | detail.spend: "104.3700000000000001" is taken as 104.37 USD
            "104.370000" → |
            104.37 → | detail.spend: 104.37 is taken as 104.37 USD
            100 → spend "100.00" | detail.spend: 100 is taken as 100.00 USD
            "1.2e2" → spend "120.00" | detail.spend: "1.2e2" is taken as 120.00 USD
            "104.37000049" → | detail.spend: "104.37000049" is taken as 104.37 USD
            "-5.00" → spend "0.00" | detail.spend: "-5.00" is taken as 0.00 USD
            -1e-8 → spend "0.00" | detail.spend: -1e-8 is taken as 0.00 USD
            "$104.37" → refused | detail.spend: "$104.37" is not an amount in USD such as "120.50" (digits, at most six after the point, below 10 billion)
            "1,000.00" → refused | detail.spend: "1,000.00" is not an amount in USD such as "120.50" (digits, at most six after the point, below 10 billion)
            "10000000000" → refused | detail.spend: "10000000000" is not an amount in USD such as "120.50" (digits, at most six after the point, below 10 billion)
            1e+300 → refused | detail.spend: 1e+300 is not an amount in USD such as "120.50" (digits, at most six after the point, below 10 billion)
            "1e-99999999" → refused | detail.spend: "1e-99999999" is not an amount in USD such as "120.50" (digits, at most six after the point, below 10 billion)
            "NaN" → refused | detail.spend: "NaN" is not an amount in USD such as "120.50" (digits, at most six after the point, below 10 billion)
            true → refused | detail.spend: true is not an amount in USD such as "120.50" (digits, at most six after the point, below 10 billion)
            null → refused | detail.spend: is missing
        "#]],
    );
    check(
        BudgetExceeded,
        "limit",
        &[json!(-1), json!(0), json!("0"), json!("unlimited"), json!(null)],
        expect![[r#"
            -1 → limit "0.00" | detail.limit: -1 is taken as 0.00 USD
            0 → limit "0.00" | detail.limit: 0 is taken as 0.00 USD
            "0" → limit "0.00" |
            "unlimited" → refused | detail.limit: "unlimited" is not an amount in USD such as "120.50" (digits, at most six after the point, below 10 billion)
            null → refused | detail.limit: is missing
        "#]],
    );
}
