namespace TwoTower.Embedding.Leases;

/// <summary>Who holds a lease: a name that nobody else has, and that tells a person which process it was.</summary>
internal static class LeaseOwner
{
    public static string New() => $"{Environment.MachineName}/{Environment.ProcessId}/{Guid.NewGuid():N}";
}
