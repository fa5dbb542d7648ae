using System.Text.Json;

namespace TwoTower.Supabase.Http;

/// <summary>What an answer's body says of an error.</summary>
/// <param name="Status">The status that is meant; Storage has its own in the body.</param>
/// <param name="Code">A SQLSTATE, a code of PostgREST's or of Storage's; empty where a gateway answers.</param>
/// <param name="Message">For a person.</param>
/// <param name="Details">More.</param>
internal sealed record RemoteError(int Status, string Code, string Message, string? Details)
{
    /// <summary>The SQLSTATE of a statement that took longer than the project allows.</summary>
    public const string TooSlow = "57014";

    /// <summary>Reads it.</summary>
    public static async Task<RemoteError> ReadAsync(HttpResponseMessage response, CancellationToken ct)
    {
        var text = await response.Content.ReadAsStringAsync(ct);
        var status = (int)response.StatusCode;
        try
        {
            var body = JsonElement.Parse(text);
            if (body.ValueKind == JsonValueKind.Object)
            {
                var own = Text(body, "statusCode") is { } number && int.TryParse(number, out var meant) ? meant : status;
                return new(own, Text(body, "code") ?? "", Text(body, "message") ?? Text(body, "error") ?? $"status {own}", Text(body, "details"));
            }
        }
        catch (JsonException)
        {
            // A gateway's page.
        }

        return new(status, "", response.ReasonPhrase is { Length: > 0 } reason ? reason : $"status {status}", null);
    }

    private static string? Text(JsonElement body, string name) => body.TryGetProperty(name, out var value) ? value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        _ => null,
    } : null;
}
