//! The tables, column by column, as the migrations make them. Times are milliseconds since 1970, ids UUIDv7.

pub(super) mod vps {
    use sea_orm::entity::prelude::*;

    /// An inventory record. A heartbeat never writes here.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "vps")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) hostname: String,
        pub(crate) alias: String,
        pub(crate) alias_edited: bool,
        pub(crate) provider_id: Option<Uuid>,
        pub(crate) ssh_port: i32,
        pub(crate) country: String,
        pub(crate) city: String,
        pub(crate) dc_name: String,
        pub(crate) cpu_cores: Option<i64>,
        pub(crate) ram_mb: Option<i64>,
        pub(crate) disk_gb: Option<i64>,
        pub(crate) bandwidth_tb: Option<f64>,
        pub(crate) cost_monthly: Option<String>,
        pub(crate) currency: String,
        pub(crate) status: String,
        pub(crate) purchase_date: Option<String>,
        pub(crate) expire_date: Option<String>,
        pub(crate) purpose: String,
        pub(crate) vpn_protocol: String,
        pub(crate) monitoring_enabled: bool,
        pub(crate) node_exporter_port: i32,
        pub(crate) notes: String,
        pub(crate) source: String,
        pub(crate) version: i64,
        pub(crate) created_at: i64,
        pub(crate) updated_at: i64,
        /// What its agent calls it, which another record may be called too; absent until an agent reports.
        pub(crate) reported_hostname: Option<String>,
        /// Whether a person chose the hostname.
        pub(crate) hostname_edited: bool,
        /// The key that speaks for the machine.
        pub(crate) agent_key_id: Option<Uuid>,
        pub(crate) deleted_at: Option<i64>,
        /// Status before the record was deleted.
        pub(crate) status_before: Option<String>,
        /// Reports that were refused since it was deleted, and the last of them.
        pub(crate) refused_reports: i64,
        pub(crate) refused_at: Option<i64>,
        /// The record that a person said this one is the same as; then it is deleted and has no machine.
        pub(crate) merged_into: Option<Uuid>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod vps_tag {
    use sea_orm::entity::prelude::*;

    /// One tag of one machine.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "vps_tag")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) vps_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) tag: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod vps_address {
    use sea_orm::entity::prelude::*;

    /// An address that a machine has or had. The operator's label stays while the address is away.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "vps_address")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) vps_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) ip: String,
        /// As the agent says it.
        pub(crate) label: String,
        /// As a person set it; stands before the agent's.
        pub(crate) operator_label: Option<String>,
        pub(crate) present: bool,
        pub(crate) first_seen: i64,
        /// When it was last confirmed: now while it is present, else when it was first missing.
        pub(crate) last_seen: i64,
        /// The address in a form that sorts as addresses do.
        pub(crate) sort_key: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod vps_report {
    use sea_orm::entity::prelude::*;

    /// What a machine's agent measured that seldom changes.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "vps_report")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) vps_id: Uuid,
        pub(crate) cpu_cores: Option<i64>,
        pub(crate) ram_mb: Option<i64>,
        pub(crate) disk_gb: Option<i64>,
        pub(crate) swap_mb: Option<i64>,
        pub(crate) kernel: Option<String>,
        pub(crate) os: Option<String>,
        pub(crate) arch: Option<String>,
        pub(crate) virtualization: Option<String>,
        pub(crate) cpu_model: Option<String>,
        pub(crate) vendor: Option<String>,
        pub(crate) product: Option<String>,
        pub(crate) asset_tag: Option<String>,
        pub(crate) agent_version: Option<String>,
        pub(crate) interval_seconds: Option<i64>,
        pub(crate) machine_id: Option<String>,
        pub(crate) boot_id: Option<String>,
        pub(crate) changed_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod vps_state {
    use sea_orm::entity::prelude::*;

    /// The current state of a machine: narrow, because it is written for every machine every few seconds.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "vps_state")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) vps_id: Uuid,
        pub(crate) last_seen: i64,
        pub(crate) load1: Option<f64>,
        pub(crate) load5: Option<f64>,
        pub(crate) load15: Option<f64>,
        pub(crate) uptime_seconds: Option<i64>,
        pub(crate) ram_used_mb: Option<i64>,
        pub(crate) swap_used_mb: Option<i64>,
        pub(crate) disk_used_gb: Option<f64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod provider {
    use sea_orm::entity::prelude::*;

    /// Who bills for machines.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "provider")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) name: String,
        pub(crate) country: String,
        pub(crate) website: String,
        pub(crate) panel_url: String,
        pub(crate) api_supported: bool,
        pub(crate) rating: Option<i32>,
        pub(crate) notes: String,
        pub(crate) created_at: i64,
        pub(crate) updated_at: i64,
        pub(crate) version: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod api_key {
    use sea_orm::entity::prelude::*;

    /// A key; `hash` is the SHA-256 of the whole of it.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "api_key")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) prefix: String,
        pub(crate) hash: Vec<u8>,
        pub(crate) name: String,
        pub(crate) role: String,
        pub(crate) created_at: i64,
        pub(crate) last_used_at: Option<i64>,
        pub(crate) revoked_at: Option<i64>,
        pub(crate) expires_at: Option<i64>,
        /// New machines that it may register in all.
        pub(crate) max_machines: Option<i64>,
        /// New machines that it registered.
        pub(crate) enrolled: i64,
        /// Provider and tags (a JSON list) of the machines that it registers.
        pub(crate) provider_id: Option<Uuid>,
        pub(crate) tags: String,
        /// The key before the last rotation, until when it is still valid, and what lists showed of it.
        pub(crate) previous_hash: Option<Vec<u8>>,
        pub(crate) previous_until: Option<i64>,
        pub(crate) previous_prefix: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod vps_face {
    use sea_orm::entity::prelude::*;

    /// A name, machine id and boot id under which a machine reported; empty text where an agent sends none.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "vps_face")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) vps_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) hostname: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) machine_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) boot_id: String,
        pub(crate) first_seen: i64,
        pub(crate) last_seen: i64,
        pub(crate) is_current: bool,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod vps_mark {
    use sea_orm::entity::prelude::*;

    /// What deserves a look until a person says what it is.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "vps_mark")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) vps_id: Uuid,
        pub(crate) kind: String,
        /// The other record of a conflict or clone.
        pub(crate) other_id: Option<Uuid>,
        /// A sentence.
        pub(crate) detail: String,
        pub(crate) since: i64,
        pub(crate) resolved_at: Option<i64>,
        pub(crate) resolution: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod vps_previous_key {
    use sea_orm::entity::prelude::*;

    /// The key that spoke for a machine until another one did.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "vps_previous_key")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) vps_id: Uuid,
        pub(crate) key_id: Uuid,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod vps_gap {
    use sea_orm::entity::prelude::*;

    /// A silence that has ended.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "vps_gap")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) vps_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) from_at: i64,
        pub(crate) until_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod audit {
    use sea_orm::entity::prelude::*;

    /// Who did what, to what, and from which to which value.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) at: i64,
        pub(crate) actor_kind: String,
        pub(crate) actor_id: Option<Uuid>,
        pub(crate) actor_name: String,
        pub(crate) client_ip: Option<String>,
        pub(crate) action: String,
        pub(crate) subject_kind: String,
        pub(crate) subject_id: Option<Uuid>,
        pub(crate) subject_name: String,
        /// A JSON object: member to `[from, to]`.
        pub(crate) changes: String,
        /// The bulk change that it is a part of.
        pub(crate) bulk_id: Option<Uuid>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod ip_check {
    use sea_orm::entity::prelude::*;

    /// Result of a check of an address from outside. It outlives its machine.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "ip_check")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) ip: String,
        pub(crate) vps_id: Option<Uuid>,
        pub(crate) check_type: String,
        pub(crate) source: String,
        pub(crate) success: bool,
        pub(crate) latency_ms: Option<f64>,
        pub(crate) checked_at: i64,
        pub(crate) message: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod hub_fact {
    use sea_orm::entity::prelude::*;

    /// Something that a running hub tells.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "hub_fact")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) name: String,
        pub(crate) value: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
