using System.Buffers.Text;
using System.Text.Json;
using TwoTower.Core;

namespace TwoTower.Supabase.Http;

/// <summary>
/// A project's key for servers: a new secret key (<c>sb_secret_…</c>), or the legacy service_role key, which is a token. It is never part
/// of a message.
/// </summary>
internal sealed class SupabaseKey
{
    private readonly string _text;

    private SupabaseKey(string text, bool isToken) => (_text, IsToken) = (text, isToken);

    /// <summary>True for a legacy key, which goes into Authorization, too. A new key there is refused by the project.</summary>
    public bool IsToken { get; }

    /// <summary>Reads a key.</summary>
    /// <param name="text">The key, as the dashboard shows it.</param>
    /// <param name="source">Where it is from, for messages.</param>
    /// <exception cref="InputException">It is no key, or one that can't read and write a project's tables.</exception>
    public static SupabaseKey Parse(string text, string source)
    {
        var key = text.Trim();
        if (key.Length == 0) throw new InputException($"{source} is empty: it must hold a secret key (sb_secret_…) or the service_role key.");
        if (key.Any(letter => !char.IsAscii(letter) || char.IsWhiteSpace(letter) || char.IsControl(letter)))
        {
            throw new InputException($"{source} holds more than a key: write the key alone, on one line.");
        }

        if (key.StartsWith("sb_secret_", StringComparison.Ordinal)) return new(key, isToken: false);
        if (key.StartsWith("sb_publishable_", StringComparison.Ordinal))
        {
            throw new InputException($"{source} holds a publishable key, which sees what a browser sees: use a secret key (sb_secret_…).");
        }

        return RoleOf(key) switch
        {
            "service_role" => new(key, isToken: true),
            null => throw new InputException($"{source} holds no key of Supabase: one begins with sb_secret_, or is the legacy service_role key."),
            var role => throw new InputException($"{source} holds the key of the role {role}: use a secret key (sb_secret_…) or the service_role key."),
        };
    }

    /// <summary>Puts the key into the headers that it belongs in.</summary>
    public void AddTo(HttpRequestMessage request)
    {
        request.Headers.TryAddWithoutValidation("apikey", _text);
        if (IsToken) request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {_text}");
    }

    /// <inheritdoc/>
    public override string ToString() => IsToken ? "service_role key" : "secret key";

    private static string? RoleOf(string token)
    {
        var parts = token.Split('.');
        if (parts.Length != 3) return null;
        try
        {
            var claims = JsonElement.Parse(Base64Url.DecodeFromChars(parts[1]));
            return claims.ValueKind == JsonValueKind.Object && claims.TryGetProperty("role", out var role) && role.ValueKind == JsonValueKind.String
                ? role.GetString() : null;
        }
        catch (Exception error) when (error is FormatException or JsonException)
        {
            return null;
        }
    }
}
