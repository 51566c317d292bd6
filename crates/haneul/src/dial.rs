//! How far the region's clock was turned, kept across restarts.

use aws::Clock;
use serde::{Deserialize, Serialize};
use state::{Record, Records, Scope};

/// Its position.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dial {
    pub ahead_ms: i64,
}

impl Record for Dial {
    const KIND: &'static str = "haneul.dial";
    const FORMAT: u32 = 1;
}

const ID: &str = "clock";

/// Turns the clock to where it was left.
///
/// # Errors
/// When the record cannot be read.
pub async fn restore(records: &Records, clock: &Clock) -> Result<(), aws::Error> {
    if let Some(dial) = records.get::<Dial>(&Scope::Haneul, ID).await? {
        clock.set_offset_ms(dial.record.ahead_ms);
    }
    Ok(())
}

/// Keeps the position first and turns then: a turned clock is never forgotten.
///
/// # Errors
/// When the record cannot be written; the clock is not turned then.
pub async fn turn(records: &Records, clock: &Clock, ahead_ms: i64) -> Result<(), aws::Error> {
    let mut transaction = records.transaction();
    transaction.put_unconditionally(&Scope::Haneul, ID, &Dial { ahead_ms });
    transaction.commit().await?;
    clock.set_offset_ms(ahead_ms);
    Ok(())
}
