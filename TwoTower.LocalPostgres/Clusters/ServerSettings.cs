using System.Globalization;

namespace TwoTower.LocalPostgres.Clusters;

/// <summary>PostgreSQL settings for one person's machine: room for HNSW builds, everything durable (fsync stays on).</summary>
internal static class ServerSettings
{
    private const long MiB = 1024 * 1024;

    /// <summary>Settings as "name=value", without spaces or quotes, sized for a machine's memory in bytes.</summary>
    public static IReadOnlyList<string> For(long memory, long? sharedMemory)
    {
        // An HNSW build is fast while the graph fits in maintenance_work_mem: 200,000 vectors of 256 floats need about 300 MB.
        var maintenance = Math.Clamp(memory / 8 / MiB, 64, 1024);
        var buffers = Math.Clamp(memory / 8 / MiB, 128, 1024);
        List<string> settings =
        [
            $"shared_buffers={buffers}MB",
            $"maintenance_work_mem={maintenance}MB",
            "max_connections=200",
            "max_wal_size=2GB",
            "jit=off",
            // Known to every server, also where the machine has no time zone files.
            "timezone=GMT",
            "log_timezone=GMT",
        ];

        // A parallel build takes its graph from /dev/shm, which is 64 MB in many containers.
        if (sharedMemory is { } size && size < (maintenance + 256) * MiB)
        {
            settings.Add("dynamic_shared_memory_type=mmap");
        }

        return settings;
    }

    /// <summary>Settings for this machine.</summary>
    public static IReadOnlyList<string> ForThisMachine() =>
        For(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, SharedMemory());

    /// <summary>What only a server on this machine gets: loopback, and no socket file, whose path could be too long.</summary>
    public static IReadOnlyList<string> Listening(int port) =>
        ["listen_addresses=127.0.0.1", "unix_socket_directories=", $"port={port.ToString(CultureInfo.InvariantCulture)}"];

    private static long? SharedMemory()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        // No /dev/shm at all counts as none of it.
        return Directory.Exists("/dev/shm") ? new DriveInfo("/dev/shm").TotalSize : 0;
    }
}
