namespace TwoTower.LocalPostgres.Apt;

/// <summary>A package source that the machine's apt is set up with (types other than "deb" are left out).</summary>
internal sealed record AptSource
{
    public required IReadOnlyList<string> Uris { get; init; }

    public required IReadOnlyList<string> Suites { get; init; }

    public required IReadOnlyList<string> Components { get; init; }

    /// <summary>Key files, fingerprints, or a whole key, as it stands in the source; null where apt's trusted keys apply.</summary>
    public string? SignedBy { get; init; }

    /// <summary>Whether the machine's administrator trusts this source without a signature.</summary>
    public bool Trusted { get; init; }
}

/// <summary>A mirror of the distribution's own archive, as the machine reaches it.</summary>
/// <param name="Uri">May hold a user name and password: never write it to a log, see <see cref="ShownUri"/>.</param>
/// <param name="SignedBy">As in the machine's source.</param>
/// <param name="Trusted">As in the machine's source.</param>
internal sealed record AptMirror(string Uri, string? SignedBy, bool Trusted)
{
    public string ShownUri
    {
        get
        {
            var host = Uri.IndexOf("://", StringComparison.Ordinal) + 3;
            var at = Uri.IndexOf('@', host);
            return at < 0 ? Uri : Uri[..host] + Uri[(at + 1)..];
        }
    }
}
