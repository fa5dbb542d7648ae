using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using TwoTower.Cli.Hosting;
using TwoTower.Core.Formats;
using TwoTower.LocalPostgres;
using TwoTower.Training;

namespace TwoTower.Cli.Doctor;

/// <summary>What twotower needs of the machine, apart from PostgreSQL.</summary>
internal static class MachineChecks
{
    private const long WantedBytes = 2_000_000_000;

    public static Check Runtime() =>
        new(".NET runtime", CheckState.Ok, $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.RuntimeIdentifier}, {Environment.ProcessorCount} cores");

    public static async Task<Check> SdkAsync(CancellationToken ct)
    {
        const string Name = ".NET SDK";
        var info = new System.Diagnostics.ProcessStartInfo("dotnet", "--list-sdks") { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = System.Diagnostics.Process.Start(info)!;
            var sdks =
                (await process.StandardOutput.ReadToEndAsync(ct)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(
                    line => line.Split(' ')[0]).ToArray();
            return sdks.Any(sdk => sdk.StartsWith("10.", StringComparison.Ordinal))
                ? new(Name, CheckState.Ok, string.Join(", ", sdks))
                : new(Name, CheckState.Warn, sdks.Length == 0 ? "no SDK" : string.Join(", ", sdks), "building needs SDK 10: https://dotnet.microsoft.com/download");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return new(Name, CheckState.Warn, "no 'dotnet' in PATH", "built binaries run without it; building needs SDK 10");
        }
    }

    public static Check Torch()
    {
        const string Name = "libtorch (training)";
        try
        {
            return new(Name, CheckState.Ok, $"loads, {ComputeDevice.Describe()}");
        }
        catch (Exception e) when (
            e is TypeInitializationException or DllNotFoundException or BadImageFormatException or NotSupportedException)
        {
            return new(Name, CheckState.Fail, (e.InnerException ?? e).Message, "docs/troubleshooting.md, 'libtorch doesn't load'");
        }
    }

    public static Check OnnxRuntime()
    {
        const string Name = "ONNX Runtime (serving)";
        try
        {
            return new(Name, CheckState.Ok, OrtEnv.Instance().GetVersionString());
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or BadImageFormatException)
        {
            return new(Name, CheckState.Fail, (e.InnerException ?? e).Message, "docs/troubleshooting.md, 'ONNX Runtime doesn't load'");
        }
    }

    public static IEnumerable<Check> Disks() =>
        new[] { ("state folder", StateHome.Path), ("download cache", LocalPostgresOptions.DefaultCache()) }.Select(place => Disk(place.Item1, place.Item2));

    public static Check Port(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return new($"port {port}", CheckState.Ok, "free");
        }
        catch (SocketException e)
        {
            return new($"port {port}", CheckState.Warn, e.Message, "serve and demo take another with --port");
        }
    }

    public static Check Aspire()
    {
        const string Name = "Aspire packages (AppHost only)";
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        return Directory.Exists(Path.Combine(packages, "aspire.apphost.sdk"))
            ? new(Name, CheckState.Ok, $"in {packages}")
            : new(Name, CheckState.Warn, "not restored here", "only TwoTower.AppHost needs them: dotnet restore TwoTower.sln where the NuGet source has them");
    }

    private static Check Disk(string name, string folder)
    {
        var existing = folder;
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { Length: > 0 } parent)
        {
            existing = parent;
        }

        var free = new DriveInfo(existing).AvailableFreeSpace;
        var detail = $"{folder}: {Amounts.Bytes(free)} free";
        return free >= WantedBytes
            ? new($"disk, {name}", CheckState.Ok, detail)
            : new($"disk, {name}", CheckState.Warn, detail, $"make room, or name another folder with {(name == "state folder" ? "TWOTOWER_HOME" : "TWOTOWER_CACHE")}");
    }
}
