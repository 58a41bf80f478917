//! Pages of scorecards and the placements behind them.

pub(super) mod placements;
pub(super) mod scorecard;
