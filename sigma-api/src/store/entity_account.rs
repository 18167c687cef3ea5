//! The tables of accounts, column by column. Hashes are hexadecimal text.

pub(super) mod account {
    use sea_orm::entity::prelude::*;

    /// A person; without a password until an invitation was followed.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "account")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) email: String,
        /// Its argon2id hash with parameters and salt.
        pub(crate) password: Option<String>,
        pub(crate) role: String,
        pub(crate) created_at: i64,
        pub(crate) last_sign_in_at: Option<i64>,
        /// What the authenticator knows, encrypted; and one that was not confirmed yet.
        pub(crate) totp_seed: Option<String>,
        pub(crate) totp_pending: Option<String>,
        /// The step of the last code that was accepted.
        pub(crate) totp_step: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod link {
    use sea_orm::entity::prelude::*;

    /// A link that is good once.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "account_link")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) token_hash: String,
        /// Who was invited; absent for the link that makes an administrator.
        pub(crate) account_id: Option<Uuid>,
        pub(crate) created_at: i64,
        pub(crate) expires_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod session {
    use sea_orm::entity::prelude::*;

    /// A browser or client that signed in.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "account_session")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) account_id: Uuid,
        pub(crate) token_hash: String,
        pub(crate) created_at: i64,
        pub(crate) last_used_at: i64,
        pub(crate) client_ip: Option<String>,
        pub(crate) user_agent: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod recovery {
    use sea_orm::entity::prelude::*;

    /// A recovery code that was not used yet.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "account_recovery")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) account_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) code_hash: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod device {
    use sea_orm::entity::prelude::*;

    /// A browser that signed in to an account before.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "account_device")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) token_hash: String,
        pub(crate) account_id: Uuid,
        pub(crate) last_used_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
