namespace TwoTower.ServiceDefaults.Health;

/// <summary>Which probe a health check answers.</summary>
internal static class HealthTags
{
    /// <summary>The process alone: failing it means "restart me".</summary>
    public const string Live = "live";

    /// <summary>What the process needs to do its work: failing it means "send me no requests".</summary>
    public const string Ready = "ready";
}
