using System.Text.RegularExpressions;

namespace TwoTower.Postgres.Connections;

/// <summary>Keeps passwords of connection strings out of messages.</summary>
internal static partial class Secrets
{
    /// <summary>True for a keyword whose value is a password.</summary>
    public static bool IsPassword(string key) => PasswordKey().IsMatch(key);

    /// <summary>True for a value that has a password in it, because the string was taken apart at the wrong places.</summary>
    public static bool HoldsPassword(string value) => Password().IsMatch(value);

    /// <summary>A text with the passwords of connection strings in it left out.</summary>
    public static string Mask(string text) => UrlPassword().Replace(Password().Replace(text, "${key}=…"), "${before}:…@");

    [GeneratedRegex(@"\A(ssl\s*)?(password|passwd|pwd|psw|pass)\z", RegexOptions.IgnoreCase)]
    private static partial Regex PasswordKey();

    [GeneratedRegex(@"(?<key>\b(ssl\s*)?(password|passwd|pwd|psw)\b)\s*=\s*('(\\.|[^'\\])*'?|""[^""]*""?|[^\s;&]*)",
        RegexOptions.IgnoreCase)]
    private static partial Regex Password();

    [GeneratedRegex(@"(?<before>\b[a-z][a-z0-9+.-]*://[^\s:/@]*):\S*@", RegexOptions.IgnoreCase)]
    private static partial Regex UrlPassword();
}
