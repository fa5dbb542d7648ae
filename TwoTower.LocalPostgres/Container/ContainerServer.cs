using System.Globalization;
using System.Security.Cryptography;
using TwoTower.LocalPostgres.Machine;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres.Container;

/// <summary>PostgreSQL in a container of ours, its data in a named volume, reachable from this machine only.</summary>
internal sealed class ContainerServer(ContainerEngine engine, StateFolder folder)
{
    /// <summary>Starts the container, making it where it is absent; or says why that can't be.</summary>
    public async Task<(int? Port, string? Reason)> StartAsync(int? wantedPort, ServerState? last, Action<string> say, CancellationToken ct)
    {
        if (await engine.PullAsync(say, ct) is { } noImage)
        {
            return (null, noImage);
        }

        // The volume's password is the one that it was made with, so a new state folder gets a new volume.
        var name = last?.Container ?? $"twotower-postgres-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        say($"starting PostgreSQL in the {engine.Program} container {name}");
        if ((await engine.RunAsync(["container", "inspect", name], ct)).Succeeded)
        {
            if (last is not null && (wantedPort ?? last.Port) == last.Port && (await engine.RunAsync(["start", name], ct)).Succeeded)
            {
                return await WaitAsync(name, last.Port, ct);
            }

            // Another port is wanted, or its own was taken meanwhile, and a container keeps its port: a new one gets the volume.
            await engine.RunAsync(["rm", "--force", name], ct);
        }

        var chosen = Ports.Choose(wantedPort, last?.Port);
        folder.Write(new ServerState { Port = chosen, Engine = engine.Program, Container = name });
        var environment = Path.Combine(folder.Root, "container-environment");
        CommandResult run;
        try
        {
            StateFolder.WriteSecret(environment, $"POSTGRES_USER=twotower\nPOSTGRES_PASSWORD={folder.Password()}\n");
            run = await engine.RunAsync(
                [
                    "run", "--detach", "--name", name, "--shm-size", "1g",
                    "--publish", $"127.0.0.1:{chosen.ToString(CultureInfo.InvariantCulture)}:5432",
                    "--volume", $"{name}:/var/lib/postgresql/data", "--env-file", environment, ContainerEngine.Image,
                    // --shm-size settles the shared memory.
                    .. Clusters.ServerSettings.ForThisMachine().Where(static setting => !setting.StartsWith("dynamic_", StringComparison.Ordinal))
                        .SelectMany(static setting => new[] { "-c", setting }),
                ], ct);
        }
        finally
        {
            File.Delete(environment);
        }

        return run.Succeeded
            ? await WaitAsync(name, chosen, ct)
            : (null, $"{engine.Program} run fails: {run.Reason()}");
    }

    public async Task<bool> StopAsync(string name, CancellationToken ct)
    {
        var running = await engine.RunAsync(["container", "inspect", "--format", "{{.State.Running}}", name], ct);
        return running.Output.Trim() == "true" && (await engine.RunAsync(["stop", "--time", "60", name], ct, TimeSpan.FromSeconds(90))).Succeeded;
    }

    private async Task<(int? Port, string? Reason)> WaitAsync(string name, int port, CancellationToken ct)
    {
        // The image's first start makes the cluster before it listens.
        for (var attempt = 0; attempt < 120; attempt++)
        {
            if (await ServerProbe.AnswersAsync(port, folder.Password(), ct))
            {
                folder.Write(new ServerState { Port = port, Engine = engine.Program, Container = name });
                return (port, null);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500), ct);
        }

        var log = await engine.RunAsync(["logs", "--tail", "20", name], ct);
        return (null, $"the container {name} started but PostgreSQL doesn't answer on port {port}: {log.Reason()}");
    }
}
