using System.Text.Json.Serialization;

namespace TwoTower.Cli.Doctor;

/// <summary>How a check came out.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CheckState>))]
internal enum CheckState
{
    /// <summary>As it should be.</summary>
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>Works, but something should be known.</summary>
    [JsonStringEnumMemberName("warn")]
    Warn,

    /// <summary>Something that twotower needs doesn't work.</summary>
    [JsonStringEnumMemberName("fail")]
    Fail,
}

/// <summary>One line of <c>twotower doctor</c>.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="State">How it came out.</param>
/// <param name="Detail">What was seen.</param>
/// <param name="Remedy">What helps; null where nothing is needed.</param>
internal sealed record Check(string Name, CheckState State, string Detail, string? Remedy = null);
