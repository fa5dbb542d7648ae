namespace TwoTower.LocalPostgres.Apt;

/// <summary>The Debian or Ubuntu that a machine runs, or is built on.</summary>
/// <param name="Distribution">"debian" or "ubuntu".</param>
/// <param name="Codename">The archive's suite, such as "bookworm" or "noble".</param>
internal sealed record OsRelease(string Distribution, string Codename)
{
    /// <summary>The suites to look for pgvector in, the newest first. Packages don't touch the machine, so newer is no risk.</summary>
    public IReadOnlyList<string> Suites => Distribution == "debian" ? ["testing", "stable", Codename] : ["devel", Codename];

    /// <summary>The archive's parts that hold PostgreSQL and pgvector.</summary>
    public string Components => Distribution == "debian" ? "main" : "main universe";

    /// <summary>Null where the machine has no Debian or Ubuntu archive.</summary>
    public static OsRelease? Parse(string text)
    {
        var fields = text.Split('\n')
            .Select(static line => line.Trim().Split('=', 2))
            .Where(static pair => pair.Length == 2)
            .DistinctBy(static pair => pair[0])
            .ToDictionary(static pair => pair[0], static pair => pair[1].Trim('"', '\''));
        string[] kinds = [fields.GetValueOrDefault("ID", ""), .. fields.GetValueOrDefault("ID_LIKE", "").Split(' ')];
        if (fields.TryGetValue("UBUNTU_CODENAME", out var ubuntu) && kinds.Contains("ubuntu"))
        {
            return new OsRelease("ubuntu", ubuntu);
        }

        var debian = fields.GetValueOrDefault("DEBIAN_CODENAME") ?? fields.GetValueOrDefault("VERSION_CODENAME");
        return kinds.Contains("debian") && debian is { Length: > 0 } ? new OsRelease("debian", debian) : null;
    }
}
