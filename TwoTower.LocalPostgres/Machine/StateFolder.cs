using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace TwoTower.LocalPostgres.Machine;

/// <summary>What is remembered of the server that was last provided.</summary>
internal sealed record ServerState
{
    public required int Port { get; init; }

    /// <summary>The folder of the programs; null for a container.</summary>
    public string? Programs { get; init; }

    /// <summary>docker or podman; null for a cluster of our own.</summary>
    public string? Engine { get; init; }

    public string? Container { get; init; }
}

/// <summary>The folder of one Home's server: lock, state, password, and "server", which belongs to the user that it runs as.</summary>
internal sealed class StateFolder
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    };

    private StateFolder(string path) => Root = path;

    public string Root { get; }

    public string Lock => Path.Combine(Root, "lock");

    /// <summary>Data folders, one for each major version, and the server's log.</summary>
    public string Server => Path.Combine(Root, "server");

    private string StateFile => Path.Combine(Root, "server.json");

    private string PasswordFile => Path.Combine(Root, "password");

    /// <summary>Where the state of a Home lies; creates nothing.</summary>
    public static StateFolder Of(string home)
    {
        home = Path.GetFullPath(home);
        if (!ServerUser.Needed || EveryoneCanEnter(home))
        {
            return new StateFolder(Path.Combine(home, "postgres"));
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(home)))[..12];
        return new StateFolder(Path.Combine("/var/lib/twotower", hash));
    }

    public void Create()
    {
        try
        {
            CreateEnterable(Root);
            if (!OperatingSystem.IsWindows())
            {
                const UnixFileMode Enter = UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
                const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
                File.SetUnixFileMode(Root, ServerUser.Needed ? Mine | Enter : Mine);
            }
        }
        catch (UnauthorizedAccessException e)
        {
            throw new LocalPostgresException($"the folder {Root} can't be made or used ({e.Message}): name another one with TWOTOWER_HOME");
        }
    }

    public ServerState? Read()
    {
        if (!File.Exists(StateFile))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<ServerState>(File.ReadAllText(StateFile), Json);
        }
        catch (JsonException e)
        {
            throw new LocalPostgresException($"{StateFile} is not what twotower wrote ({e.Message}): delete it and run again");
        }
        catch (UnauthorizedAccessException)
        {
            throw new LocalPostgresException(
                $"{StateFile} belongs to another user: run twotower as the user who made it, or name another folder with TWOTOWER_HOME");
        }
    }

    public void Write(ServerState state) => WriteAside(StateFile, JsonSerializer.Serialize(state, Json));

    /// <summary>The server's password; made on the first call.</summary>
    public string Password()
    {
        if (!File.Exists(PasswordFile))
        {
            WriteAside(PasswordFile, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)));
        }

        return File.ReadAllText(PasswordFile);
    }

    public bool HasPassword => File.Exists(PasswordFile);

    /// <summary>Makes a folder that, as root, the server's user can enter and list whatever the umask is.</summary>
    public static void CreateEnterable(string path)
    {
        List<string> missing = [];
        for (var folder = path; folder is not null && !Directory.Exists(folder); folder = Path.GetDirectoryName(folder))
        {
            missing.Add(folder);
        }

        Directory.CreateDirectory(path);
        if (OperatingSystem.IsWindows() || !ServerUser.Needed)
        {
            return;
        }

        foreach (var folder in missing)
        {
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }
    }

    /// <summary>Writes a file that only its owner can read.</summary>
    public static void WriteSecret(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        File.Delete(path);
        using var writer = new StreamWriter(path, options);
        writer.Write(text);
    }

    private static void WriteAside(string path, string text)
    {
        WriteSecret(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Whether an unprivileged user can enter a folder. Parts that don't exist yet count as enterable: we make them.</summary>
    internal static bool EveryoneCanEnter(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return true;
        }

        for (var folder = new DirectoryInfo(path); folder is not null; folder = folder.Parent)
        {
            if (folder.Exists && !File.GetUnixFileMode(folder.FullName).HasFlag(UnixFileMode.OtherExecute))
            {
                return false;
            }
        }

        return true;
    }
}
