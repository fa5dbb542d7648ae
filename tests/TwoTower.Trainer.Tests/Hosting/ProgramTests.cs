using System.Diagnostics;

namespace TwoTower.Trainer.Tests.Hosting;

/// <summary>The trainer as a process of its own.</summary>
public sealed class ProgramTests
{
    [Theory]
    [InlineData("TwoTower__Trainer__Device", "gpu", "TwoTower:Trainer:Device is 'gpu', which isn't one of auto, cpu, cuda.")]
    [InlineData("TwoTower__Trainer__Resume", "perhaps", "TwoTower:Trainer:Resume is 'perhaps', which isn't true or false.")]
    [InlineData("TwoTower__Trainer__Threads", "9999", "A setting of TwoTower:Trainer can't be used: ")]
    [InlineData("TwoTower__Trainer__Recipe", "", "A setting of TwoTower:Trainer can't be used: ")]
    public async Task A_setting_that_cannot_be_used_is_one_line_and_exit_code_2(string variable, string value, string expected)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "TwoTower.Trainer.dll")])
        {
            RedirectStandardError = true,
            Environment = { ["ConnectionStrings__twotower"] = "Host=127.0.0.1;Port=1;Database=x", [variable] = value },
        };
        using var process = Process.Start(start)!;
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(2, process.ExitCode);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.Contains(variable.Split("__")[^1], errors, StringComparison.Ordinal);
        Assert.Single(errors.Trim().Split('\n'));
    }
}
