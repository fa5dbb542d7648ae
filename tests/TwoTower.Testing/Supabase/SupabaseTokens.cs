using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace TwoTower.Testing;

/// <summary>Tokens signed with a project's legacy secret, and who a request says that it is.</summary>
public static class SupabaseTokens
{
    /// <summary>The project's legacy secret.</summary>
    public const string Secret = "a-legacy-secret-of-at-least-32-characters";

    /// <summary>A token.</summary>
    /// <param name="role">Its role.</param>
    /// <param name="user">Its sub.</param>
    /// <param name="secret">What it is signed with; null: the project's.</param>
    /// <param name="lifetime">Until when it is valid; null: ten years.</param>
    public static string Make(string role, Guid? user = null, string? secret = null, TimeSpan? lifetime = null)
    {
        var claims = new Dictionary<string, object>
        {
            ["role"] = role,
            ["exp"] = DateTimeOffset.UtcNow.Add(lifetime ?? TimeSpan.FromDays(3650)).ToUnixTimeSeconds(),
        };
        if (user is { } id) claims["sub"] = id;
        var text = $"{Encode("""{"alg":"HS256","typ":"JWT"}"""u8)}.{Encode(JsonSerializer.SerializeToUtf8Bytes(claims))}";
        return $"{text}.{Encode(Sign(text, secret ?? Secret))}";
    }

    /// <summary>The role and the claims that a request has, or why it has none.</summary>
    internal static Caller Read(HttpRequest request)
    {
        var bearer = request.Headers.Authorization.ToString();
        var apikey = request.Headers["apikey"].ToString();
        if (!bearer.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            // The gateway turns a new key into a token that nobody sees; a legacy key is one.
            if (apikey == SupabaseStandIn.SecretKey) return new("service_role", """{"role":"service_role"}""");
            if (apikey.StartsWith("sb_", StringComparison.Ordinal) || apikey.Length == 0) return new("anon", """{"role":"anon"}""");
            bearer = "Bearer " + apikey;
        }

        var parts = bearer["Bearer ".Length..].Trim().Split('.');
        if (parts.Length != 3) return new(null, null, "PGRST301", $"Expected 3 parts in JWT; got {parts.Length}");
        if (!CryptographicOperations.FixedTimeEquals(Sign($"{parts[0]}.{parts[1]}", Secret), Decode(parts[2])))
        {
            return new(null, null, "PGRST301", "No suitable key or wrong key type", "None of the keys was able to decode the JWT");
        }

        var claims = Encoding.UTF8.GetString(Decode(parts[1]));
        var token = JsonElement.Parse(claims);
        return token.TryGetProperty("exp", out var end) && end.GetInt64() < DateTimeOffset.UtcNow.ToUnixTimeSeconds()
            ? new(null, null, "PGRST303", "JWT expired")
            : new(token.TryGetProperty("role", out var role) ? role.GetString() : "anon", claims);
    }

    private static byte[] Sign(string text, string secret) =>
        HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.ASCII.GetBytes(text));

    private static string Encode(ReadOnlySpan<byte> bytes) =>
        Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static byte[] Decode(string text)
    {
        var plain = text.Replace('-', '+').Replace('_', '/');
        var bytes = new byte[plain.Length];
        return Convert.TryFromBase64String(plain.PadRight((plain.Length + 3) / 4 * 4, '='), bytes, out var length) ? bytes[..length] : [];
    }
}

/// <summary>Who asks: a role with its claims, or the fault of the token.</summary>
internal sealed record Caller(string? Role, string? Claims, string? Code = null, string? Message = null, string? Details = null);
