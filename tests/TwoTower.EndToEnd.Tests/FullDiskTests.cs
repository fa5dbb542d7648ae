using System.Diagnostics;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>A disk that is full while an export or a checkpoint is written: what was there stays, and one line says why.</summary>
public sealed class FullDiskTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;
    private string _disk = "";

    public async ValueTask InitializeAsync()
    {
        _workplace = await Workplace.CreateAsync(postgres);
        _disk = _workplace.PathOf("disk");
        Directory.CreateDirectory(_disk);
        if (!OperatingSystem.IsLinux() || !await RunAsync("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", _disk)) _disk = "";
    }

    public async ValueTask DisposeAsync()
    {
        if (_disk.Length > 0) await RunAsync("umount", _disk);
        await _workplace.DisposeAsync();
    }

    [Fact]
    public async Task An_export_leaves_the_bundle_that_was_there()
    {
        Assert.SkipWhen(_disk.Length == 0, "needs root on Linux, to mount a disk of 4 MB");
        await _workplace.ImportGoldenAsync();
        await _workplace.ReleaseAsync();
        var bundle = Path.Combine(_disk, "bundle");
        await _workplace.RunAsync("export", bundle);
        await using (var filler = File.Create(Path.Combine(_disk, "filler"))) await FillAsync(filler);

        var result = await _workplace.TryAsync("export", bundle);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(bundle, Assert.Single(result.ErrorLines));
        await _workplace.RunAsync("manifest", "verify", bundle);
        Assert.Equal(["bundle", "filler"], Directory.EnumerateFileSystemEntries(_disk).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task A_training_that_cannot_write_its_checkpoint_registers_nothing()
    {
        Assert.SkipWhen(_disk.Length == 0, "needs root on Linux, to mount a disk of 4 MB");
        await _workplace.ImportGoldenAsync();
        var before = await _workplace.ReleaseAsync();

        var result = await _workplace.TryAsync("train", "--recipe", "v2", "--epochs", "1", "--checkpoint", Path.Combine(_disk, "latest.safetensors"));

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("latest.safetensors", Assert.Single(result.ErrorLines));
        Assert.Equal(["latest.safetensors.lock"], Directory.EnumerateFileSystemEntries(_disk).Select(Path.GetFileName)); // empty, and stays (CheckpointLock)
        Assert.Equal([before], await _workplace.Database.ListAsync<string>("select model_version from two_tower.releases"));
        Assert.Equal("active", await _workplace.Database.ScalarAsync<string>("select state from two_tower.releases"));
    }

    private static async Task FillAsync(FileStream filler)
    {
        try
        {
            while (true)
            {
                await filler.WriteAsync(new byte[1 << 16]);
                await filler.FlushAsync();
            }
        }
        catch (IOException)
        {
            // Full: that was the aim.
        }
    }

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
}
