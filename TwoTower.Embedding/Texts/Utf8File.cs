using System.Text;
using TwoTower.Core;

namespace TwoTower.Embedding.Texts;

/// <summary>Text files of a model.</summary>
internal static class Utf8File
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The whole text.</summary>
    /// <exception cref="InputException">It isn't UTF-8, or is empty, or can't be read.</exception>
    public static string Read(string path)
    {
        try
        {
            var text = Strict.GetString(File.ReadAllBytes(path)).TrimStart('\uFEFF');
            return text.Length > 0 ? text : throw new InputException($"{path} is empty: copy the model's own file");
        }
        catch (DecoderFallbackException error)
        {
            throw new InputException($"{path} isn't UTF-8 (byte {error.Index}): copy the model's own file, byte for byte", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} can't be read: {error.Message}", error);
        }
    }
}
