//! Who acts: a person, a token of a person, or a part of the program.

use serde::{Deserialize, Serialize};

use crate::{
    capability::Capabilities,
    ids::{OperatorId, SessionId, TokenId},
};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person, perhaps by a token.
    Operator {
        /// The person.
        id: OperatorId,
        /// The token that was shown, if it was one.
        token: Option<TokenId>,
    },
    /// A worker that builds files.
    Worker,
    /// Upkeep: expiry, rescue, sweeps.
    Upkeep,
    /// Whoever sets the service up on its host, before there is any operator.
    Setup,
    /// A sign-on that the configuration trusts, in whose name operators and roles are kept up.
    Provider,
    /// Somebody who has not proven to be anybody.
    Stranger,
}

impl Actor {
    /// Every word in the activity log.
    pub const SLUGS: [&'static str; 7] =
        ["operator", "token", "worker", "upkeep", "setup", "provider", "stranger"];

    /// Word in the activity log.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Operator { token: None, .. } => "operator",
            Self::Operator { token: Some(_), .. } => "token",
            Self::Worker => "worker",
            Self::Upkeep => "upkeep",
            Self::Setup => "setup",
            Self::Provider => "provider",
            Self::Stranger => "stranger",
        }
    }

    /// The person, if it is one.
    pub fn operator(self) -> Option<OperatorId> {
        match self {
            Self::Operator { id, .. } => Some(id),
            Self::Worker | Self::Upkeep | Self::Setup | Self::Provider | Self::Stranger => None,
        }
    }

    /// The token, if one was shown.
    pub fn token(self) -> Option<TokenId> {
        match self {
            Self::Operator { token, .. } => token,
            Self::Worker | Self::Upkeep | Self::Setup | Self::Provider | Self::Stranger => None,
        }
    }
}

/// By which surface a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The command line.
    Cli,
    /// The REST API.
    Api,
    /// The admin pages.
    Admin,
    /// A schedule that fired.
    Schedule,
    /// A link that needs no sign-in: whoever held it acted as the one it was made for.
    Link,
    /// The program itself.
    Internal,
}

impl Via {
    /// Every surface.
    pub const ALL: [Self; 6] =
        [Self::Cli, Self::Api, Self::Admin, Self::Schedule, Self::Link, Self::Internal];

    /// Word in the database and the activity log.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Api => "api",
            Self::Admin => "admin",
            Self::Schedule => "schedule",
            Self::Link => "link",
            Self::Internal => "internal",
        }
    }
}

/// Who asks for something, as it was found at the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who acts.
    pub actor: Actor,
    /// Mail address of a person, or the name of a part of the program.
    pub name: String,
    /// Slug of the person's role.
    pub role: Option<String>,
    /// What the token is limited to; none means all that the role may.
    pub token_scopes: Option<Capabilities>,
    /// The session it has signed in by, where it has: what it began ends with it.
    pub session: Option<SessionId>,
    /// Surface.
    pub via: Via,
    /// Address of the peer, where there is one.
    pub address: Option<String>,
}

impl Caller {
    /// A worker of this name.
    pub fn worker(name: impl Into<String>) -> Self {
        Self::internal(Actor::Worker, name.into())
    }

    /// Upkeep: the name says which part of it.
    pub fn upkeep(name: impl Into<String>) -> Self {
        Self::internal(Actor::Upkeep, name.into())
    }

    /// Whoever sets the service up.
    pub fn setup(name: impl Into<String>) -> Self {
        Self { via: Via::Cli, ..Self::internal(Actor::Setup, name.into()) }
    }

    /// A sign-on that the configuration trusts, of this name.
    pub fn provider(name: impl Into<String>, via: Via, address: Option<String>) -> Self {
        Self { via, address, ..Self::internal(Actor::Provider, name.into()) }
    }

    /// Somebody who tries to sign in as `name`.
    pub fn stranger(name: impl Into<String>, via: Via, address: Option<String>) -> Self {
        Self { via, address, ..Self::internal(Actor::Stranger, name.into()) }
    }

    fn internal(actor: Actor, name: String) -> Self {
        Self {
            actor,
            name,
            role: None,
            token_scopes: None,
            session: None,
            via: Via::Internal,
            address: None,
        }
    }

    /// The person, if it is one.
    pub fn operator(&self) -> Option<OperatorId> {
        self.actor.operator()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_actor_has_its_own_word() {
        let (id, token) = (OperatorId(1), Some(TokenId(1)));
        let actors = [
            Actor::Operator { id, token: None },
            Actor::Operator { id, token },
            Actor::Worker,
            Actor::Upkeep,
            Actor::Setup,
            Actor::Provider,
            Actor::Stranger,
        ];
        assert_eq!(actors.map(Actor::slug), Actor::SLUGS);
    }
}
