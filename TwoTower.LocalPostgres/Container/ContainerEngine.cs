using TwoTower.LocalPostgres.Machine;

namespace TwoTower.LocalPostgres.Container;

/// <summary>A container engine that answers: Docker, or Podman, whose command line is the same.</summary>
internal sealed record ContainerEngine(string Program)
{
    /// <summary>PostgreSQL 17 with a pgvector that can't corrupt an HNSW index.</summary>
    public const string Repository = "pgvector/pgvector", Tag = "0.8.6-pg17-bookworm";

    /// <summary>With the registry's name, because Podman knows no default registry.</summary>
    public const string Image = $"docker.io/{Repository}:{Tag}";

    /// <summary>The first engine that answers; a client without its engine doesn't count.</summary>
    public static async Task<(ContainerEngine? Engine, string? Reason)> FindAsync(CancellationToken ct)
    {
        List<string> reasons = [];
        foreach (var program in new[] { "docker", "podman" })
        {
            if (ProgramRunner.Find(program) is null)
            {
                continue;
            }

            var info = await ProgramRunner.RunAsync(program, ["info", "--format", "{{.Host.Arch}}{{.ServerVersion}}"], ct, TimeSpan.FromSeconds(10));
            if (info.ExitCode != 0)
            {
                // The two write different facts, and each refuses the other's: any answer will do.
                info = await ProgramRunner.RunAsync(program, ["info"], ct, TimeSpan.FromSeconds(10));
            }

            if (info.Succeeded && !info.Errors.Contains("Cannot connect", StringComparison.Ordinal))
            {
                return (new ContainerEngine(program), null);
            }

            reasons.Add($"{program} is there but no engine answers it");
        }

        return (null, reasons.Count > 0 ? string.Join("; ", reasons) : "neither docker nor podman is on this machine");
    }

    public Task<CommandResult> RunAsync(IReadOnlyList<string> arguments, CancellationToken ct, TimeSpan? limit = null) =>
        ProgramRunner.RunAsync(Program, arguments, ct, limit ?? TimeSpan.FromMinutes(1));

    /// <summary>Whether the image is here, or arrives within a minute; null, or why not.</summary>
    public async Task<string?> PullAsync(Action<string> say, CancellationToken ct)
    {
        if ((await RunAsync(["image", "inspect", Image], ct)).Succeeded)
        {
            return null;
        }

        say($"{Program} pulls {Image} (for a minute at most)");
        var pull = await RunAsync(["pull", "--quiet", Image], ct, TimeSpan.FromMinutes(1));
        return pull.Succeeded ? null
            : pull.ExitCode == CommandResult.TimedOut ? $"{Image} didn't arrive within a minute"
            : $"{Image} can't be pulled: {pull.Reason()}";
    }
}
