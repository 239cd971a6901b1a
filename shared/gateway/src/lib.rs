//! Reading the gateway: inventory, health, limits, budgets.
