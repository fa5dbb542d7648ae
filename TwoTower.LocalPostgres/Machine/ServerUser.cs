using System.Globalization;

namespace TwoTower.LocalPostgres.Machine;

/// <summary>The user that PostgreSQL's programs run as: the caller, or, as root, a system user (postgres refuses to run as root).</summary>
internal sealed record ServerUser(string? Name, string? Owner, IReadOnlyList<string> Prefix)
{
    /// <summary>The caller itself.</summary>
    public static readonly ServerUser Caller = new(null, null, []);

    /// <summary>Whether the server can't run as the caller.</summary>
    public static bool Needed => !OperatingSystem.IsWindows() && Environment.IsPrivilegedProcess;

    /// <summary>Null where there is no user, or no permission, to change to.</summary>
    public static async Task<ServerUser?> FindAsync(CancellationToken ct)
    {
        if (!Needed)
        {
            return Caller;
        }

        foreach (var name in new[] { "postgres", "nobody" })
        {
            var uid = await ProgramRunner.RunAsync("id", ["-u", name], ct);
            var gid = await ProgramRunner.RunAsync("id", ["-g", name], ct);
            if (!IsId(uid) || !IsId(gid))
            {
                continue;
            }

            var owner = $"{uid.Output.Trim()}:{gid.Output.Trim()}";
            string[][] ways =
            [
                ["setpriv", $"--reuid={uid.Output.Trim()}", $"--regid={gid.Output.Trim()}", "--init-groups", "--"],
                ["runuser", "-u", name, "--"],
            ];
            foreach (var way in ways)
            {
                var user = new ServerUser(name, owner, way);
                if ((await user.RunAsync("true", [], ct)).Succeeded)
                {
                    return user;
                }
            }
        }

        return null;
    }

    public Task<CommandResult> RunAsync(
        string program, IReadOnlyList<string> arguments, CancellationToken ct, TimeSpan? limit = null, bool leavesServer = false) =>
        Prefix.Count == 0
            ? ProgramRunner.RunAsync(program, arguments, ct, limit, leavesServer: leavesServer)
            : ProgramRunner.RunAsync(Prefix[0], [.. Prefix.Skip(1), program, .. arguments], ct, limit, leavesServer: leavesServer);

    /// <summary>Gives a file or folder that we made to this user.</summary>
    public async Task GiveAsync(string path, CancellationToken ct)
    {
        if (Owner is not null)
        {
            var result = await ProgramRunner.RunAsync("chown", [Owner, path], ct);
            if (!result.Succeeded)
            {
                throw new IOException($"{path} can't be given to the user {Name}: {result.Reason()}");
            }
        }
    }

    private static bool IsId(CommandResult result) =>
        result.Succeeded && int.TryParse(result.Output.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0;
}
