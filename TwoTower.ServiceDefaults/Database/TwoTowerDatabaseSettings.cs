namespace TwoTower.ServiceDefaults.Database;

/// <summary>
/// Settings of the database registration, under the keys of Aspire.Npgsql, so that it can take over by changing one line:
/// section <c>Aspire:Npgsql</c>, then <c>Aspire:Npgsql:{name}</c>, then <c>ConnectionStrings:{name}</c>; the later one wins.
/// </summary>
public sealed class TwoTowerDatabaseSettings
{
    /// <summary>The connection string.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>True: readiness doesn't look at the database.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>True: no spans of SQL commands.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>True: no metrics of commands and of the pool.</summary>
    public bool DisableMetrics { get; set; }
}
