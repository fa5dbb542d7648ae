using TwoTower.LocalPostgres.Clusters;

namespace TwoTower.LocalPostgres.Tests.Clusters;

public class ServerSettingsTests
{
    private const long GiB = 1024L * 1024 * 1024;

    [Fact]
    public void Memory_for_index_builds_grows_with_the_machine_up_to_one_gibibyte()
    {
        Assert.Contains("maintenance_work_mem=128MB", ServerSettings.For(1 * GiB, 16 * GiB));
        Assert.Contains("maintenance_work_mem=512MB", ServerSettings.For(4 * GiB, 16 * GiB));
        Assert.Contains("maintenance_work_mem=1024MB", ServerSettings.For(64 * GiB, 16 * GiB));
    }

    [Fact]
    public void A_small_dev_shm_keeps_parallel_builds_out_of_it()
    {
        Assert.Contains("dynamic_shared_memory_type=mmap", ServerSettings.For(16 * GiB, 64 * 1024 * 1024));
        Assert.DoesNotContain("dynamic_shared_memory_type=mmap", ServerSettings.For(16 * GiB, 8 * GiB));
        Assert.DoesNotContain("dynamic_shared_memory_type=mmap", ServerSettings.For(16 * GiB, null));
    }

    [Fact]
    public void The_server_is_for_this_machine_only() => Assert.Equal(
        ["listen_addresses=127.0.0.1", "unix_socket_directories=", "port=5433"], ServerSettings.Listening(5433));
}
