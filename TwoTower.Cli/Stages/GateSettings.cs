using Microsoft.Extensions.Configuration;
using TwoTower.Core;
using TwoTower.Postgres.Gate;

namespace TwoTower.Cli.Stages;

/// <summary>The gate's thresholds on the command line: those of the services, from the environment
/// (<c>TwoTower__Gate__Margin</c>).</summary>
internal static class GateSettings
{
    /// <summary>Reads and validates them.</summary>
    /// <exception cref="InputException">A value is no number or out of range.</exception>
    public static GateOptions Read()
    {
        try
        {
            var options = new ConfigurationBuilder().AddEnvironmentVariables().Build().GetSection(GateOptions.Section).Get<GateOptions>()
                ?? new();
            return new GateOptionsValidator().Validate(null, options) is { Failed: true } invalid
                ? throw new InputException($"{GateOptions.Section}: {invalid.FailureMessage}")
                : options;
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{GateOptions.Section}: {e.Message} {e.InnerException?.Message}", e);
        }
    }
}
