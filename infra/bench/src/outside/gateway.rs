//! The gateway: what it tells, and the settings that are written to it.

use serde_json::{Map, Value, json};

/// How many providers, model groups and so on it tells of besides those of its own: the newest.
const NEWEST: usize = 64;

/// Everything on the gateway, in the form of `GET /admin/v1/inventory`.
pub(super) struct Gateway {
    inventory: Value,
    own: Map<String, Value>,
}

/// One setting of one thing.
struct Setting<'p> {
    list: &'static str,
    id: &'p str,
    scope: Option<&'p str>,
    fields: &'static [&'static str],
}

impl Gateway {
    /// As the file has it.
    pub(super) fn of(inventory: Value) -> Self {
        let own = inventory.as_object().cloned().unwrap_or_default();
        Self { inventory, own }
    }

    /// It tells this besides, or of what it has, something else: lists by their names, things by their ids.
    pub(super) fn becomes(&mut self, changes: &Value) {
        for (list, things) in changes.as_object().into_iter().flatten() {
            let own = self.own.get(list).and_then(Value::as_array).map_or(0, Vec::len);
            let Some(all) = self.inventory[list.as_str()].as_array_mut() else {
                continue;
            };
            for thing in things.as_array().into_iter().flatten() {
                match all
                    .iter_mut()
                    .find(|one| one["id"] == thing["id"] && one["scope"] == thing["scope"])
                {
                    Some(known) => {
                        for (field, value) in thing.as_object().into_iter().flatten() {
                            known[field.as_str()] = value.clone();
                        }
                    }
                    None => all.push(thing.clone()),
                }
            }
            if all.len() > own + NEWEST {
                all.remove(own);
            }
        }
    }

    /// What it tells at a time.
    pub(super) fn told(&self, read_at: &str) -> Value {
        let mut inventory = self.inventory.clone();
        inventory["read_at"] = json!(read_at);
        inventory
    }

    /// The setting at a path, once it is what is `wanted`. `None` where there is none.
    pub(super) fn setting(&mut self, path: &str, wanted: Option<&Value>) -> Option<Value> {
        let setting = Setting::at(path)?;
        let things = self.inventory[setting.list].as_array_mut()?;
        let thing = things
            .iter_mut()
            .find(|one| one["id"] == setting.id && setting.scope.is_none_or(|scope| one["scope"] == scope))?;
        let mut told = Map::new();
        for field in setting.fields {
            if let Some(wanted) = wanted {
                thing[*field] = wanted[*field].clone();
            }
            told.insert((*field).to_owned(), thing[*field].clone());
        }
        Some(Value::Object(told))
    }
}

impl<'p> Setting<'p> {
    fn at(path: &'p str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix("/admin/v1/")?.split('/').collect();
        let (list, scope, id, fields): (_, _, _, &[&str]) = match *parts.as_slice() {
            ["providers", id, "breaker"] => ("providers", None, id, &["blocked"]),
            ["model-groups", id, "routes"] => ("model_groups", None, id, &["routes"]),
            ["teams", id, "limits"] => ("teams", None, id, &["rpm", "tpm"]),
            ["guardrails", id] => ("guardrails", None, id, &["enabled"]),
            ["budgets", scope, id, "hard-cap"] => ("budgets", Some(scope), id, &["hard_cap_micros"]),
            ["sla-contracts", id] => ("sla_contracts", None, id, &["enabled"]),
            _ => return None,
        };
        Some(Self {
            list,
            id,
            scope,
            fields,
        })
    }
}
