//! Machines, what they report, providers and keys.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DeriveIden;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [provider(), vps(), vps_tag(), vps_address(), vps_report(), vps_state(), api_key()] {
            manager.create_table(table).await?;
        }
        let indexes = [
            // One living record per hostname; deleted ones may share theirs.
            "CREATE UNIQUE INDEX vps_hostname_living ON vps (hostname) WHERE status <> 'deleted'",
            "CREATE INDEX vps_hostname ON vps (hostname)",
            "CREATE INDEX vps_provider ON vps (provider_id)",
            "CREATE INDEX vps_tag_tag ON vps_tag (tag)",
            "CREATE INDEX vps_address_ip ON vps_address (ip)",
            "CREATE UNIQUE INDEX provider_name ON provider (name)",
            "CREATE UNIQUE INDEX api_key_hash ON api_key (hash)",
            "CREATE UNIQUE INDEX api_key_prefix ON api_key (prefix)",
        ];
        for index in indexes {
            manager.get_connection().execute_unprepared(index).await?;
        }
        Ok(())
    }
}

fn provider() -> TableCreateStatement {
    Table::create()
        .table(Provider::Table)
        .col(ColumnDef::new(Provider::Id).uuid().not_null().primary_key())
        .col(ColumnDef::new(Provider::Name).text().not_null())
        .col(ColumnDef::new(Provider::Country).text().not_null())
        .col(ColumnDef::new(Provider::Website).text().not_null())
        .col(ColumnDef::new(Provider::PanelUrl).text().not_null())
        .col(ColumnDef::new(Provider::ApiSupported).boolean().not_null())
        .col(ColumnDef::new(Provider::Rating).integer())
        .col(ColumnDef::new(Provider::Notes).text().not_null())
        .col(ColumnDef::new(Provider::CreatedAt).big_integer().not_null())
        .col(ColumnDef::new(Provider::UpdatedAt).big_integer().not_null())
        .take()
}

fn vps() -> TableCreateStatement {
    Table::create()
        .table(Vps::Table)
        .col(ColumnDef::new(Vps::Id).uuid().not_null().primary_key())
        .col(ColumnDef::new(Vps::Hostname).text().not_null())
        .col(ColumnDef::new(Vps::Alias).text().not_null())
        .col(ColumnDef::new(Vps::AliasEdited).boolean().not_null())
        .col(ColumnDef::new(Vps::ProviderId).uuid())
        .col(ColumnDef::new(Vps::SshPort).integer().not_null())
        .col(ColumnDef::new(Vps::Country).text().not_null())
        .col(ColumnDef::new(Vps::City).text().not_null())
        .col(ColumnDef::new(Vps::DcName).text().not_null())
        .col(ColumnDef::new(Vps::CpuCores).big_integer())
        .col(ColumnDef::new(Vps::RamMb).big_integer())
        .col(ColumnDef::new(Vps::DiskGb).big_integer())
        .col(ColumnDef::new(Vps::BandwidthTb).double())
        .col(ColumnDef::new(Vps::CostMonthly).text())
        .col(ColumnDef::new(Vps::Currency).text().not_null())
        .col(ColumnDef::new(Vps::Status).text().not_null())
        .col(ColumnDef::new(Vps::PurchaseDate).text())
        .col(ColumnDef::new(Vps::ExpireDate).text())
        .col(ColumnDef::new(Vps::Purpose).text().not_null())
        .col(ColumnDef::new(Vps::VpnProtocol).text().not_null())
        .col(ColumnDef::new(Vps::MonitoringEnabled).boolean().not_null())
        .col(ColumnDef::new(Vps::NodeExporterPort).integer().not_null())
        .col(ColumnDef::new(Vps::Notes).text().not_null())
        .col(ColumnDef::new(Vps::Source).text().not_null())
        .col(ColumnDef::new(Vps::Version).big_integer().not_null())
        .col(ColumnDef::new(Vps::CreatedAt).big_integer().not_null())
        .col(ColumnDef::new(Vps::UpdatedAt).big_integer().not_null())
        .foreign_key(ForeignKey::create().from(Vps::Table, Vps::ProviderId).to(Provider::Table, Provider::Id))
        .take()
}

fn vps_tag() -> TableCreateStatement {
    Table::create()
        .table(VpsTag::Table)
        .col(ColumnDef::new(VpsTag::VpsId).uuid().not_null())
        .col(ColumnDef::new(VpsTag::Tag).text().not_null())
        .primary_key(Index::create().col(VpsTag::VpsId).col(VpsTag::Tag))
        .foreign_key(ForeignKey::create().from(VpsTag::Table, VpsTag::VpsId).to(Vps::Table, Vps::Id))
        .take()
}

fn vps_address() -> TableCreateStatement {
    Table::create()
        .table(VpsAddress::Table)
        .col(ColumnDef::new(VpsAddress::VpsId).uuid().not_null())
        .col(ColumnDef::new(VpsAddress::Ip).text().not_null())
        .col(ColumnDef::new(VpsAddress::Label).text().not_null())
        .col(ColumnDef::new(VpsAddress::OperatorLabel).text())
        .col(ColumnDef::new(VpsAddress::Present).boolean().not_null())
        .col(ColumnDef::new(VpsAddress::FirstSeen).big_integer().not_null())
        .col(ColumnDef::new(VpsAddress::LastSeen).big_integer().not_null())
        .primary_key(Index::create().col(VpsAddress::VpsId).col(VpsAddress::Ip))
        .foreign_key(ForeignKey::create().from(VpsAddress::Table, VpsAddress::VpsId).to(Vps::Table, Vps::Id))
        .take()
}

fn vps_report() -> TableCreateStatement {
    let mut table = Table::create()
        .table(VpsReport::Table)
        .col(ColumnDef::new(VpsReport::VpsId).uuid().not_null().primary_key())
        .col(ColumnDef::new(VpsReport::ChangedAt).big_integer().not_null())
        .foreign_key(ForeignKey::create().from(VpsReport::Table, VpsReport::VpsId).to(Vps::Table, Vps::Id))
        .take();
    for number in [
        VpsReport::CpuCores,
        VpsReport::RamMb,
        VpsReport::DiskGb,
        VpsReport::SwapMb,
        VpsReport::IntervalSeconds,
    ] {
        table.col(ColumnDef::new(number).big_integer());
    }
    for text in [
        VpsReport::Kernel,
        VpsReport::Os,
        VpsReport::Arch,
        VpsReport::Virtualization,
        VpsReport::CpuModel,
        VpsReport::Vendor,
        VpsReport::Product,
        VpsReport::AssetTag,
        VpsReport::AgentVersion,
        VpsReport::MachineId,
        VpsReport::BootId,
    ] {
        table.col(ColumnDef::new(text).text());
    }
    table
}

fn vps_state() -> TableCreateStatement {
    Table::create()
        .table(VpsState::Table)
        .col(ColumnDef::new(VpsState::VpsId).uuid().not_null().primary_key())
        .col(ColumnDef::new(VpsState::LastSeen).big_integer().not_null())
        .col(ColumnDef::new(VpsState::Load1).double())
        .col(ColumnDef::new(VpsState::Load5).double())
        .col(ColumnDef::new(VpsState::Load15).double())
        .col(ColumnDef::new(VpsState::UptimeSeconds).big_integer())
        .col(ColumnDef::new(VpsState::RamUsedMb).big_integer())
        .col(ColumnDef::new(VpsState::SwapUsedMb).big_integer())
        .col(ColumnDef::new(VpsState::DiskUsedGb).double())
        .foreign_key(ForeignKey::create().from(VpsState::Table, VpsState::VpsId).to(Vps::Table, Vps::Id))
        .take()
}

fn api_key() -> TableCreateStatement {
    Table::create()
        .table(ApiKey::Table)
        .col(ColumnDef::new(ApiKey::Id).uuid().not_null().primary_key())
        .col(ColumnDef::new(ApiKey::Prefix).text().not_null())
        .col(ColumnDef::new(ApiKey::Hash).blob().not_null())
        .col(ColumnDef::new(ApiKey::Name).text().not_null())
        .col(ColumnDef::new(ApiKey::Role).text().not_null())
        .col(ColumnDef::new(ApiKey::CreatedAt).big_integer().not_null())
        .col(ColumnDef::new(ApiKey::LastUsedAt).big_integer())
        .col(ColumnDef::new(ApiKey::RevokedAt).big_integer())
        .take()
}

#[derive(DeriveIden)]
enum Provider {
    Table,
    Id,
    Name,
    Country,
    Website,
    PanelUrl,
    ApiSupported,
    Rating,
    Notes,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Vps {
    Table,
    Id,
    Hostname,
    Alias,
    AliasEdited,
    ProviderId,
    SshPort,
    Country,
    City,
    DcName,
    CpuCores,
    RamMb,
    DiskGb,
    BandwidthTb,
    CostMonthly,
    Currency,
    Status,
    PurchaseDate,
    ExpireDate,
    Purpose,
    VpnProtocol,
    MonitoringEnabled,
    NodeExporterPort,
    Notes,
    Source,
    Version,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum VpsTag {
    Table,
    VpsId,
    Tag,
}

#[derive(DeriveIden)]
enum VpsAddress {
    Table,
    VpsId,
    Ip,
    Label,
    OperatorLabel,
    Present,
    FirstSeen,
    LastSeen,
}

#[derive(DeriveIden)]
enum VpsReport {
    Table,
    VpsId,
    CpuCores,
    RamMb,
    DiskGb,
    SwapMb,
    Kernel,
    Os,
    Arch,
    Virtualization,
    CpuModel,
    Vendor,
    Product,
    AssetTag,
    AgentVersion,
    IntervalSeconds,
    MachineId,
    BootId,
    ChangedAt,
}

#[derive(DeriveIden)]
enum VpsState {
    Table,
    VpsId,
    LastSeen,
    Load1,
    Load5,
    Load15,
    UptimeSeconds,
    RamUsedMb,
    SwapUsedMb,
    DiskUsedGb,
}

#[derive(DeriveIden)]
enum ApiKey {
    Table,
    Id,
    Prefix,
    Hash,
    Name,
    Role,
    CreatedAt,
    LastUsedAt,
    RevokedAt,
}
