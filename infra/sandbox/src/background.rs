//! What runs by itself: the synthetic traffic and the detection.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::bus::Bus;
use crate::gateway::Gateway;

/// How often a piece of the traffic is sent.
const TRAFFIC_TICK: Duration = Duration::from_millis(50);

/// How often the conditions are computed.
const DETECTION_TICK: Duration = Duration::from_secs(1);

/// Sends `rate_per_s` synthetic requests a second, by the gateway's clock, for ever.
pub(crate) async fn traffic(gateway: Arc<Gateway>, rate_per_s: f64) {
    let mut tick = interval(TRAFFIC_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = gateway.clock.now();
    let mut due = 0.0;
    loop {
        tick.tick().await;
        let now = gateway.clock.now();
        // After a suspension there is no flood to catch up.
        let elapsed_ms = (now - last).clamp(0, 1_000);
        last = now;
        due += elapsed_ms as f64 / 1000.0 * rate_per_s;
        let count = due.floor();
        due -= count;
        gateway.world().synthesise(now, count as u64, None, true);
    }
}

/// Computes the conditions every second and sends what they amount to, for ever.
pub(crate) async fn detection(gateway: Arc<Gateway>, bus: Bus) {
    let mut tick = interval(DETECTION_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        detect_once(&gateway, &bus).await;
    }
}

/// One tick of [`detection`].
pub(crate) async fn detect_once(gateway: &Gateway, bus: &Bus) {
    let _alone = gateway.detecting.lock().await;
    let now = gateway.clock.now();
    let conditions = gateway.world().conditions(now);
    gateway
        .announcer()
        .observe(now, &conditions, &mut || uuid::Uuid::new_v4().to_string());
    loop {
        let waiting = gateway.announcer().waiting();
        if waiting.is_empty() {
            return;
        }
        let sent = bus.send(&waiting).await;
        gateway.announcer().mark_sent(gateway.clock.now(), &sent);
        if sent.len() < waiting.len() {
            return;
        }
    }
}
