namespace TwoTower.ServiceDefaults.Telemetry;

/// <summary>
/// How metrics are got at beside OTLP, which the standard variables of OpenTelemetry set: settings section <c>TwoTower:Telemetry</c>.
/// </summary>
public sealed class TelemetryOptions
{
    /// <summary>Where the settings are read from.</summary>
    public const string Section = "TwoTower:Telemetry";

    /// <summary>Where Prometheus finds the metrics.</summary>
    internal const string ScrapePath = "/metrics";

    /// <summary>
    /// True answers <c>/metrics</c> in the format of Prometheus, for processes that serve HTTP. Whoever reaches the port can read it: keep
    /// it off the public side of the gateway.
    /// </summary>
    public bool Prometheus { get; set; }
}
