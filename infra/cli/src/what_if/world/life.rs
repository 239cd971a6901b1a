//! One life, written record by record.

use super::*;

pub(super) struct Life<'a> {
    pub(super) world: &'a Annals,
    pub(super) script: &'a Script,
    pub(super) inventory: Inventory,
    pub(super) records: Vec<Record>,
    pub(super) proposal: Proposal,
    pub(super) now: Timestamp,
}

impl Life<'_> {
    pub(super) fn then(&mut self, actor: Actor, fact: &ProposalFact) {
        let entry = self.proposal.entry(self.now, actor, fact).unwrap();
        let record = testkit::keys::sealed(entry, writer(self.proposal.last().seq + 1));
        self.proposal = self.proposal.clone().apply(&record).unwrap();
        self.records.push(record);
        self.now = self.now.plus_seconds(7);
    }

    pub(super) fn propose(&mut self, form: Value) {
        let action: Action = serde_json::from_value(form).unwrap();
        let preview = action.preview(&self.inventory).unwrap();
        let event = &self.proposal.received().event;
        let mut evidence = Evidence::gather(event, &preview.plan, &self.inventory);
        let text = "of the test".to_owned();
        evidence.condition = match self.script.condition {
            0 => Condition::Confirmed(text.clone()),
            1 => Condition::Refuted(text.clone()),
            _ => Condition::Unreadable(text.clone()),
        };
        let past = |came, helped| Past {
            proposal: ProposalId::new(event.fingerprint(), 900_000),
            action: action.kind(),
            came,
            since: self.now.minus_seconds(1800),
            helped,
        };
        let actions = match self.script.before {
            0 => None,
            1 => Some(Vec::new()),
            2 => Some(vec![past(Came::Ended, Some(true))]),
            _ => Some(vec![past(Came::Failed, None)]),
        };
        evidence.history = actions.map(|actions| History {
            actions,
            incidents: vec![self.now.minus_seconds(600)],
        });
        let proposer = Proposer::Runbook {
            version: 1,
            instead_of: None,
        };
        let proposed = Proposed {
            action,
            preview,
            evidence,
            proposer,
            rationale: text,
        };
        self.then(Actor::Agent, &ProposalFact::Proposed(Box::new(proposed)));
    }

    pub(super) fn score(&mut self) {
        let deployment = Deployment {
            risk_threshold: self.script.threshold,
            auto_approve: self.script.auto_approve,
            ..Deployment::default()
        };
        let instead = self.script.instead.then(|| "it could not be read".to_owned());
        let in_force = InForce {
            instead_because: instead,
            ..self.world.in_force.clone()
        };
        let control = self.world.control_at(self.now);
        let subject = Subject::of(&self.proposal).unwrap();
        let mut scored = risk::score(&subject, &in_force, &deployment, &control, self.now);
        if scored.decision == Decision::Auto && self.script.limit {
            let reached = Reached {
                limit: SafetyLimit::PerHour,
                because: "10 of 10 automatic executions in the hour are used".to_owned(),
            };
            scored = scored.held_by(reached, &deployment, self.now);
        }
        self.then(Actor::Agent, &ProposalFact::Scored(scored));
    }

    pub(super) fn go_on(&mut self) {
        self.score();
        let asked = matches!(self.proposal.state(), State::AwaitingApproval(_));
        let ask = self.script.ask;
        match ask {
            Ask::Nothing if asked => {}
            Ask::Expire if asked => self.expire(),
            Ask::Reject if asked => self.reject(),
            Ask::Vote if asked => self.vote("alice"),
            Ask::Narrow if asked && self.narrow() => {
                self.score();
                self.approve();
                self.execute();
            }
            Ask::Lapse => {
                self.approve();
                if matches!(self.proposal.state(), State::Approved(_)) {
                    self.expire();
                    self.score();
                    self.reject();
                }
            }
            Ask::Approve | Ask::Nothing | Ask::Expire | Ask::Reject | Ask::Vote | Ask::Narrow => {
                self.approve();
                self.execute();
            }
        }
        if let Some(helped) = self.script.helped {
            let text = "of the test".to_owned();
            let condition = if helped {
                Condition::Refuted(text)
            } else {
                Condition::Confirmed(text)
            };
            self.then(Actor::Agent, &ProposalFact::Verified(Verified { condition }));
        }
    }

    pub(super) fn waiting(&self) -> Option<(domain::value::Digest, usize)> {
        match self.proposal.state() {
            State::AwaitingApproval(waiting) => Some((waiting.scored, usize::from(waiting.needed))),
            _ => None,
        }
    }

    pub(super) fn vote(&mut self, who: &str) {
        let (scored, _) = self.waiting().unwrap();
        let fact = ProposalFact::Voted(Voted {
            scored,
            policy: self.world.in_force.digest,
            extension: None,
            decider: None,
        });
        self.then(person(who), &fact);
    }

    /// By as many as are needed, where anybody is asked.
    pub(super) fn approve(&mut self) {
        let Some((scored, needed)) = self.waiting() else {
            return;
        };
        let voters = [
            "alice", "bob", "dora", "erin", "finn", "gwen", "hugo", "ivan", "judy", "karl",
        ];
        for who in &voters[1..needed] {
            self.vote(who);
        }
        let fact = ProposalFact::Approved(Approved {
            scored,
            policy: self.world.in_force.digest,
            valid_until: self.now.plus_seconds(900),
            paused_before_ms: 0,
            extension: None,
            not_before: None,
            decider: None,
        });
        self.then(person(voters[0]), &fact);
    }

    pub(super) fn reject(&mut self) {
        if let Some((scored, _)) = self.waiting() {
            let fact = ProposalFact::Rejected(Rejected {
                scored,
                policy: self.world.in_force.digest,
                extension: None,
                reason: None,
                decider: None,
            });
            self.then(person("bob"), &fact);
        }
    }

    pub(super) fn expire(&mut self) {
        let deadline = match self.proposal.state() {
            State::AwaitingApproval(waiting) => waiting.deadline,
            State::Approved(approval) => approval.valid_until,
            other => panic!("{other:?} has no deadline"),
        };
        self.now = deadline.plus_seconds(1);
        let fact = ProposalFact::Expired(Expired {
            closes: false,
            deadline,
            extension: None,
        });
        self.then(Actor::System, &fact);
    }

    /// Half of it; false where there is no half.
    pub(super) fn narrow(&mut self) -> bool {
        let (scored, _) = self.waiting().unwrap();
        let before = &self.proposal.proposed().unwrap().action;
        if before.kind() != ActionKind::CircuitBreakProvider || self.script.seconds < 120 {
            return false;
        }
        let (_, _, form) = incident(self.script.action, self.script.seconds / 2);
        let action: Action = serde_json::from_value(form).unwrap();
        let preview = action.preview(&self.inventory).unwrap();
        let fact = ProposalFact::Amended(Box::new(Amended {
            scored,
            action,
            preview,
            extension: None,
            policy: None,
            decider: None,
        }));
        self.then(person("carol"), &fact);
        true
    }

    pub(super) fn readings(&self, value: impl Fn(&Change) -> &Setting) -> Vec<Reading> {
        let plan = &self.proposal.proposed().unwrap().preview.plan;
        let reading = |change: &Change| Reading {
            target: change.target.clone(),
            value: value(change).clone(),
        };
        plan.changes.iter().map(reading).collect()
    }

    pub(super) fn execute(&mut self) {
        if !matches!(self.proposal.state(), State::Approved(_)) || self.script.finish == Finish::Nothing {
            return;
        }
        let reason = "of the test".to_owned();
        if self.script.finish == Finish::Refuse {
            let fact = ProposalFact::Refused(Refused {
                precondition: Precondition::Condition,
                explanation: reason,
            });
            return self.then(Actor::Agent, &fact);
        }
        let preview = self.proposal.proposed().unwrap().preview.clone();
        let restore_at = match preview.undo {
            Undo::Restore { after_s } => Some(self.now.plus_seconds(after_s)),
            Undo::OnDemand | Undo::OneShot => None,
        };
        let held = preview.plan.claims.iter().map(|target| Held {
            target: target.clone(),
            fence: 1,
        });
        let fact = ProposalFact::Started(Started {
            held: held.collect(),
            lease_until: self.now.plus_seconds(60),
            restore_at,
            extension: None,
            plan: preview.plan.clone(),
        });
        self.then(Actor::Agent, &fact);
        let failed = |readings| Failed {
            reason: reason.clone(),
            readings,
        };
        match self.script.finish {
            Finish::Fail if !preview.plan.changes.is_empty() => {
                let fact = ProposalFact::Failed(failed(self.readings(|change| &change.before)));
                return self.then(Actor::Agent, &fact);
            }
            Finish::Unknown => {
                let fact = ProposalFact::Unknown(Unclear { cause: reason });
                return self.then(Actor::Agent, &fact);
            }
            _ => {}
        }
        let fact = ProposalFact::Succeeded(Succeeded {
            readings: self.readings(|change| &change.after),
            receipt: preview.plan.page.as_ref().map(|_| "page".to_owned()),
        });
        self.then(Actor::Agent, &fact);
        if preview.plan.changes.is_empty() {
            return;
        }
        match (self.script.finish, restore_at) {
            (Finish::Restore, Some(end)) => self.now = end.plus_seconds(1),
            (Finish::Restore, None) | (Finish::Undo, _) => self.undo(),
            (Finish::RestoreFail, Some(end)) => {
                self.now = end.plus_seconds(1);
                let fact = ProposalFact::RestoreFailed(failed(self.readings(|change| &change.after)));
                return self.then(Actor::Agent, &fact);
            }
            _ => return,
        }
        let fact = ProposalFact::Restored(Restored {
            readings: self.readings(|change| &change.before),
        });
        self.then(Actor::Agent, &fact);
    }

    pub(super) fn undo(&mut self) {
        let request = UndoRequested {
            reason: "of the test".to_owned(),
            policy: None,
            decider: None,
        };
        self.then(person("alice"), &ProposalFact::UndoRequested(request));
        let fact = ProposalFact::UndoApproved(UndoDecided {
            requested: self.proposal.last().digest,
            reason: None,
            policy: None,
            decider: None,
        });
        self.then(person("bob"), &fact);
    }
}
