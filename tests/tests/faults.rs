//! What goes wrong: functions die, race, lose replies and get nonsense.
