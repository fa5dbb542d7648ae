namespace TwoTower.LocalPostgres;

/// <summary>What to provide, and what may be used for it.</summary>
internal sealed record LocalPostgresOptions
{
    /// <summary>A server that the person named. Used as it is, and then nothing else is looked for.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>The folder of this project's state. The server's own folder is "postgres" in it, except as root under a
    /// folder that other users can't enter: then it is a folder named after Home's hash in /var/lib/twotower.</summary>
    public required string Home { get; init; }

    /// <summary>The database on a server of our own; created where absent.</summary>
    public string Database { get; init; } = "twotower";

    /// <summary>The port on 127.0.0.1 of a server of our own. Null: the remembered one, or a free one.</summary>
    public int? Port { get; init; }

    /// <summary>Whether Docker or Podman may be used.</summary>
    public bool AllowContainer { get; init; } = true;

    /// <summary>Whether the machine's own PostgreSQL programs may be used (never a server that already runs).</summary>
    public bool AllowMachinePrograms { get; init; } = true;

    /// <summary>Whether PostgreSQL may be downloaded from the distribution's mirror.</summary>
    public bool AllowDownload { get; init; } = true;

    /// <summary>Where downloaded programs are kept, shared by every Home. Null: as <see cref="DefaultCache"/> says.</summary>
    public string? Cache { get; init; }

    /// <summary>The name of a given connection string's option or setting, for error messages.</summary>
    public string ConnectionStringName { get; init; } = "--database";

    /// <summary>TWOTOWER_CACHE where set; /var/cache/twotower as root (the server runs as another user, who must be able to
    /// read it); else "twotower" in the person's cache folder.</summary>
    public static string DefaultCache()
    {
        if (Environment.GetEnvironmentVariable("TWOTOWER_CACHE") is { Length: > 0 } named)
        {
            return Path.GetFullPath(named);
        }

        if (!OperatingSystem.IsWindows() && Environment.IsPrivilegedProcess)
        {
            return "/var/cache/twotower";
        }

        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg && Path.IsPathRooted(xdg))
        {
            return Path.Combine(xdg, "twotower");
        }

        return OperatingSystem.IsWindows()
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "twotower", "cache")
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "twotower");
    }
}
