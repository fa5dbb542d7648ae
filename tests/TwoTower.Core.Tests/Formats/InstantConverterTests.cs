using System.Text.Json;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Tests.Formats;

/// <summary>Times in JSON: one way to read them, and as many decimals as the reader of the file expects.</summary>
public sealed class InstantConverterTests
{
    private static readonly DateTimeOffset Time = new DateTimeOffset(2026, 1, 20, 18, 30, 0, TimeSpan.Zero).AddMilliseconds(500);

    [Fact]
    public void Every_converter_reads_the_same_times_and_writes_utc()
    {
        foreach (var converter in new InstantConverter[] { new(), new MicrosecondsConverter(), new BundleTimeConverter() })
        {
            var options = With(converter);
            foreach (var text in new[] { "2026-01-20T18:30:00.5Z", "2026-01-20T18:30:00.500000", "2026-01-21T03:30:00.5+09:00", "2026-01-20 18:30:00.5+00" })
            {
                Assert.Equal(Time, JsonSerializer.Deserialize<DateTimeOffset>($"\"{text}\"", options));
            }

            foreach (var wrong in new[] { "\"yesterday\"", "12", "null", "\"\"" })
            {
                var error = Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<DateTimeOffset>(wrong, options));
                Assert.Contains("2026-01-20T18:30:00Z was expected", error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Payloads_have_six_decimals_and_everything_else_as_many_as_it_needs()
    {
        Assert.Equal("\"2026-01-20T18:30:00.500000Z\"", Write(new MicrosecondsConverter(), Time));
        Assert.Equal("\"2026-01-20T18:30:00.5Z\"", Write(new InstantConverter(), Time.ToOffset(TimeSpan.FromHours(9))));
        Assert.Equal("\"2026-01-20T18:30:00.5000001Z\"", Write(new BundleTimeConverter(), Time.AddTicks(1)));
        Assert.Equal("\"2026-01-20T18:30:00Z\"", Write(new BundleTimeConverter(), Time.AddMilliseconds(-500)));
    }

    [Fact]
    public void A_bundles_time_is_what_it_was_after_reading_and_writing()
    {
        const string json = "\"2026-01-20T18:30:00.1234567Z\"";
        var options = With(new BundleTimeConverter());
        Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<DateTimeOffset>(json, options), options));
    }

    private static string Write(InstantConverter converter, DateTimeOffset time) => JsonSerializer.Serialize(time, With(converter));

    private static JsonSerializerOptions With(InstantConverter converter) => new() { Converters = { converter } };
}
